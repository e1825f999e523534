{%- set lookback = lookback_days() -%}
{%- set lookback_micros = lookback * 86400 * 1000000 -%}
{{ config(by_day(
  'path_date', journey_tables(), before=1, after=lag_days() + 2 * lookback + 1, whole_weeks=true
)) }}
-- Journeys step by step: those that ended with a conversion, by its day, and those that ran out, by
-- the day on which the lookback was over since the last touch with neither touch nor conversion
-- since; of these only what came after the last conversion. Such a day is not known before it is
-- past, and nothing that comes later changes it.
{{ refuse_persons_of_another_run() }}
with conversion_touches as (
  select *
  from {{ ref('int_journeys_conversion_touches') }}
  where {{ restated('conversion_date', before=2 * lookback + 1, after=1) }}
),

conversions as (
  select distinct conversion_id, journey_key, {{ micros_of_instant('converted_at') }} as at_micros
  from conversion_touches
),

converted as (
  select
    conversion_date as path_date,
    conversion_id as journey_id,
    journey_key,
    true as is_converted,
    net_value_micros,
    currency_code,
    default_channel_group,
    row_number() over (partition by conversion_id order by touch_number desc) as step,
    count(*) over (partition by conversion_id) as path_length
  from conversion_touches
  where
    is_in_lookback
    and {{ restated('conversion_date') }}
),

-- A click that only the platform shows and that leads to nobody can't be seen to convert: it says
-- nothing of journeys that did not.
touches as (
  select
    touch_id,
    touch_date,
    journey_key,
    default_channel_group,
    {{ micros_of_instant('touched_at') }} as at_micros
  from {{ ref('int_journeys_person_touches') }}
  where
    {{ restated('touch_date', before=2 * lookback + 1, after=1) }}
    and (not is_day_only or person_id is not null)
),

known_until as (
  select max(touch_date) as last_date from touches
),

timeline as (
  select journey_key, at_micros, touch_id, touch_date from touches
  union all
  select journey_key, at_micros, {{ no_text() }} as touch_id, cast(null as date) as touch_date
  from conversions
),

followed as (
  select
    *,
    lead(at_micros) over (
      partition by journey_key
      order by at_micros, case when touch_id is null then 1 else 0 end, coalesce(touch_id, '')
    ) as next_micros,
    max(case when touch_id is null then at_micros end) over (
      partition by journey_key
      order by at_micros, case when touch_id is null then 1 else 0 end, coalesce(touch_id, '')
      rows between unbounded preceding and current row
    ) as converted_micros
  from timeline
),

ended as (
  select
    followed.touch_id,
    followed.journey_key,
    followed.at_micros,
    coalesce(followed.converted_micros, 0) as converted_micros,
    {{ add_days('followed.touch_date', lookback) }} as path_date
  from followed
  cross join known_until
  where
    followed.touch_id is not null
    and (
      followed.next_micros is null
      or followed.next_micros - followed.at_micros > {{ lookback_micros }}
    )
    and {{ add_days('followed.touch_date', lookback) }} < known_until.last_date
),

ran_out as (
  select
    ended.path_date,
    ended.touch_id as journey_id,
    ended.journey_key,
    false as is_converted,
    cast(null as {{ dbt.type_bigint() }}) as net_value_micros,
    {{ no_text() }} as currency_code,
    touches.default_channel_group,
    row_number() over (
      partition by ended.touch_id
      order by touches.at_micros, touches.touch_id
    ) as step,
    count(*) over (partition by ended.touch_id) as path_length
  from ended
  inner join touches
    on ended.journey_key = touches.journey_key
    and ended.at_micros >= touches.at_micros
    and touches.at_micros >= ended.at_micros - {{ lookback_micros }}
    and ended.converted_micros < touches.at_micros
  where {{ restated('ended.path_date') }}
),

steps as (
  select * from converted
  union all
  select * from ran_out
)

select
  path_date,
  journey_id,
  step,
  path_length,
  journey_key,
  is_converted,
  default_channel_group,
  net_value_micros,
  currency_code
from steps
{{ days_together('path_date') }}
