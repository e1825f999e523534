{# Paths of channels, counted by day and by week. #}

{# Fewer people than these don't show: what they went is counted in '(other)'. #}
{% macro paths_k() -%}{{ return(var('paths_k_anonymity', 10) | int) }}{%- endmacro %}

{# CTEs up to `journeys`: the journeys that ended on the days that the run rebuilds, a row each, with
   their path and whether enough people went it on the day for the day to show it. #}
{% macro journeys_with_paths() -%}
steps as (
  select
    *,
    -- So that ' > ' only ever stands between two channels.
    replace(default_channel_group, '>', '>>') as channel,
    lag(default_channel_group) over (partition by journey_id order by step) as previous_channel
  from {{ ref('int_journeys_path_steps') }}
  where {{ restated('path_date') }}
),

joined_steps as (
  select
    path_date,
    journey_id,
    journey_key,
    is_converted,
    path_length,
    net_value_micros,
    currency_code,
    {{ joined_text('channel', ' > ', 'step') }} as channel_path,
    {{ joined_text(
      'case when previous_channel is null or previous_channel != default_channel_group then channel end',
      ' > ', 'step'
    ) }} as channel_transformed_path
  from steps
  group by
    path_date, journey_id, journey_key, is_converted, path_length, net_value_micros, currency_code
),

path_persons as (
  select path_date, channel_path, count(distinct journey_key) as persons
  from joined_steps
  group by path_date, channel_path
),

journeys as (
  select joined_steps.*, path_persons.persons >= {{ paths_k() }} as is_shown_on_day
  from joined_steps
  inner join path_persons
    on joined_steps.path_date = path_persons.path_date
    and joined_steps.channel_path = path_persons.channel_path
)
{%- endmacro %}

{# A journey's path as it is shown: columns for a select of `journeys`. #}
{% macro shown_path(is_shown) -%}
  case when {{ is_shown }} then journeys.channel_path else '(other)' end as shown_path,
    case when {{ is_shown }} then journeys.channel_transformed_path else '(other)' end
      as shown_transformed_path,
    case when {{ is_shown }} then journeys.path_length end as shown_length
{%- endmacro %}
