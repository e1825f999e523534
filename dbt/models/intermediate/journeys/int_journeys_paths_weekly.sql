{{ config(by_day(
  'week_start', journey_tables(), before=1, after=lag_days() + 2 * lookback_days() + 1,
  whole_weeks=true
)) }}
-- Paths of channels by the week in which they ended, converting or not. What journey_paths_daily shows
-- is shown here, too. The journeys that it hides are named where at least paths_k_anonymity people went
-- their path on such days and nobody can tell how many on which of them, else they are counted in
-- '(other)': docs/adr/0020-a-week-of-paths-gives-no-day-away.md has the rule and why.
{%- set k = paths_k() %}
{%- set unvalued = count_where('is_converted and net_value_micros is null') %}
with {{ journeys_with_paths() }},

hidden as (
  select
    {{ week_start('path_date') }} as week_start,
    path_date,
    channel_path,
    is_converted,
    journey_key
  from journeys
  where not is_shown_on_day
),

hidden_paths as (
  select week_start, channel_path, count(distinct journey_key) as persons
  from hidden
  group by week_start, channel_path
),

hidden_journeys as (
  select week_start, channel_path, is_converted, count(*) as journeys
  from hidden
  group by week_start, channel_path, is_converted
),

-- How many of the same outcome went paths of fewer people.
rarer_journeys as (
  select
    hidden_journeys.week_start,
    hidden_journeys.channel_path,
    hidden_paths.persons,
    coalesce(sum(hidden_journeys.journeys) over (
      partition by hidden_journeys.week_start, hidden_journeys.is_converted
      order by hidden_paths.persons, hidden_journeys.channel_path
      rows between unbounded preceding and 1 preceding
    ), 0) as rarer
  from hidden_journeys
  inner join hidden_paths
    on hidden_journeys.week_start = hidden_paths.week_start
    and hidden_journeys.channel_path = hidden_paths.channel_path
),

-- Paths of too few people, and as many more as it takes for k journeys of either outcome.
rare as (
  select week_start, channel_path
  from rarer_journeys
  group by week_start, channel_path
  having min(persons) < {{ k }} or min(rarer) < {{ k }}
),

rare_days as (
  select hidden.path_date, hidden.is_converted
  from hidden
  inner join rare
    on hidden.week_start = rare.week_start and hidden.channel_path = rare.channel_path
  group by hidden.path_date, hidden.is_converted
),

-- People on days on which rare paths were gone with the same outcome: there, nobody can tell which
-- of the day's '(other)' were on this path.
covered as (
  select
    hidden.week_start,
    hidden.channel_path,
    rare_days.is_converted,
    count(distinct hidden.journey_key) as persons
  from hidden
  inner join rare_days on hidden.path_date = rare_days.path_date
  group by hidden.week_start, hidden.channel_path, rare_days.is_converted
),

unnamed as (
  select hidden_journeys.week_start, hidden_journeys.channel_path
  from hidden_journeys
  left join covered
    on hidden_journeys.week_start = covered.week_start
    and hidden_journeys.channel_path = covered.channel_path
    and hidden_journeys.is_converted = covered.is_converted
  where coalesce(covered.persons, 0) < {{ k }}
  union distinct
  select week_start, channel_path
  from rare
),

-- Of one path alone, a value or currency that isn't known would tell where such a journey was.
weeks as (
  select
    {{ week_start('path_date') }} as week_start,
    {{ unvalued }} = 0 and {{ is_one_currency('currency_code', 'net_value_micros is not null') }}
      as is_valued,
    {{ one_currency('currency_code', 'net_value_micros is not null') }} as currency_code
  from journeys
  group by week_start
),

shown as (
  select
    weeks.week_start,
    weeks.is_valued,
    weeks.currency_code,
    journeys.journey_key,
    journeys.is_converted,
    journeys.net_value_micros,
    {{ shown_path('journeys.is_shown_on_day or unnamed.channel_path is null') }}
  from journeys
  inner join weeks on {{ week_start('journeys.path_date') }} = weeks.week_start
  left join unnamed
    on weeks.week_start = unnamed.week_start
    and journeys.channel_path = unnamed.channel_path
)

select
  week_start,
  shown_path as channel_path,
  shown_transformed_path as channel_transformed_path,
  shown_length as path_length,
  count(distinct journey_key) as persons,
  {{ count_where('is_converted') }} as conversions,
  {{ count_where('not is_converted') }} as non_conversions,
  case when is_valued then coalesce({{ sum_int('net_value_micros') }}, 0) end
    as conversion_value_micros,
  currency_code
from shown
group by
  week_start, shown_path, shown_transformed_path, shown_length, is_valued, currency_code
