-- What the calendar says of each week of mmm_input_weekly and of the 13 after it, a row a control and
-- week: the share of the week's days on which an event was, times its intensity and the share of
-- customers that it concerned. A name that has come back is a control of its own; events that came
-- once are one control by kind. Intensity counts where every event of the control tells it. Of events
-- of one control and market on a day the strongest counts; markets are added.
with events as (
  select
    kind,
    start_date,
    end_date,
    coalesce(market, '') as market,
    coalesce(population_share, 1) as population_share,
    intensity,
    expected_sign,
    known_in_advance,
    nullif({{ slug('name') }}, '') as name
  from {{ ref('stg_lists__calendar_events') }}
),

recurring as (
  select kind, name
  from events
  where name is not null
  group by kind, name
  having count(distinct start_date) > 1
),

named as (
  select
    events.*,
    case when recurring.name is null then events.kind else concat(events.kind, ':', events.name) end
      as control
  from events
  left join recurring on events.kind = recurring.kind and events.name = recurring.name
),

controls as (
  select
    control,
    count(intensity) = count(*) as has_intensity,
    count(case when not known_in_advance then 1 end) = 0 as known_in_advance,
    case
      when count(expected_sign) = count(*) and min(expected_sign) = max(expected_sign)
        then min(expected_sign)
    end as expected_sign
  from named
  group by control
),

event_days as (
  select
    named.control,
    named.market,
    event_day,
    named.population_share * case when controls.has_intensity then named.intensity else 1 end
      as strength
  from named
  inner join controls on named.control = controls.control
  cross join {{ day_series('named.start_date', 'named.end_date', 'event_day') }}
),

market_days as (
  select
    control,
    event_day,
    case when max(strength) >= -min(strength) then max(strength) else min(strength) end as strength
  from event_days
  group by control, market, event_day
),

event_weeks as (
  select control, {{ week_start('event_day') }} as week_start, sum(strength) / 7 as strength
  from market_days
  group by control, week_start
),

span as (
  select min(week_start) as first_week, max(week_start) as last_week
  from {{ ref('mmm_input_weekly') }}
),

weeks as (
  select week_start
  from span
  cross join {{ day_series('first_week', add_days('last_week', 91), 'week_start', step=7) }}
),

-- a control that is 0 in all of these weeks says nothing of them
occurring as (
  select event_weeks.control
  from event_weeks
  inner join weeks on event_weeks.week_start = weeks.week_start
  where event_weeks.strength != 0
  group by event_weeks.control
)

select
  weeks.week_start,
  controls.control as name,
  -- rounded, since a sum of floats depends on the order of the rows
  round(coalesce(event_weeks.strength, 0), 9) as value,
  controls.expected_sign,
  controls.known_in_advance
from weeks
cross join occurring
inner join controls on occurring.control = controls.control
left join event_weeks
  on occurring.control = event_weeks.control and weeks.week_start = event_weeks.week_start
