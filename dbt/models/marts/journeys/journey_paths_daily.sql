{{ config(by_day(
  'date', journey_tables(), before=1, after=lag_days() + 2 * lookback_days() + 1
)) }}
-- Paths of channels by the day on which they ended, converting or not. A path that fewer than
-- paths_k_anonymity people went on the day is counted in '(other)'.
{%- set k = var('paths_k_anonymity', 10) %}
{%- set unvalued = count_where('is_converted and net_value_micros is null') %}
with steps as (
  select
    *,
    -- So that ' > ' only ever stands between two channels.
    replace(default_channel_group, '>', '>>') as channel,
    lag(default_channel_group) over (partition by journey_id order by step) as previous_channel
  from {{ ref('int_journeys_path_steps') }}
  where {{ restated('path_date') }}
),

journeys as (
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
  from journeys
  group by path_date, channel_path
),

shown as (
  select
    journeys.path_date,
    journeys.journey_key,
    journeys.is_converted,
    journeys.net_value_micros,
    journeys.currency_code,
    case when path_persons.persons >= {{ k }} then journeys.channel_path else '(other)' end
      as shown_path,
    case
      when path_persons.persons >= {{ k }} then journeys.channel_transformed_path
      else '(other)'
    end as shown_transformed_path,
    case when path_persons.persons >= {{ k }} then journeys.path_length end as shown_length
  from journeys
  inner join path_persons
    on journeys.path_date = path_persons.path_date
    and journeys.channel_path = path_persons.channel_path
)

select
  path_date as date,
  shown_path as channel_path,
  shown_transformed_path as channel_transformed_path,
  shown_length as path_length,
  count(distinct journey_key) as persons,
  {{ count_where('is_converted') }} as conversions,
  {{ count_where('not is_converted') }} as non_conversions,
  {{ unvalued }} as unvalued_conversions,
  case
    when
      {{ is_one_currency('currency_code', 'net_value_micros is not null') }}
      and {{ unvalued }} = 0
      then coalesce({{ sum_int('net_value_micros') }}, 0)
  end as conversion_value_micros,
  {{ one_currency('currency_code', 'net_value_micros is not null') }} as currency_code
from shown
group by path_date, shown_path, shown_transformed_path, shown_length
