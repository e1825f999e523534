{{ config(by_day(
  'date', journey_tables(), before=1, after=lag_days() + 2 * lookback_days() + 1, whole_weeks=true
)) }}
-- From which channel journeys went on to which, by the day on which they ended: the transition
-- matrix of Markov attribution. (start), (conversion) and (null) are its states, too. Channels and
-- steps of fewer than paths_k_anonymity people on the day are counted in '(other)'.
{%- set k = paths_k() %}
with steps as (
  select
    *,
    lead(default_channel_group) over (partition by journey_id order by step) as next_channel
  from {{ ref('int_journeys_path_steps') }}
  where {{ restated('path_date') }}
),

moves as (
  select
    path_date,
    journey_key,
    default_channel_group as from_channel,
    case
      when next_channel is not null then next_channel
      when is_converted then '(conversion)'
      else '(null)'
    end as to_channel
  from steps
  union all
  select path_date, journey_key, '(start)' as from_channel, default_channel_group as to_channel
  from steps
  where step = 1
),

from_persons as (
  select path_date, from_channel, count(distinct journey_key) as persons
  from moves
  group by path_date, from_channel
),

pair_persons as (
  select path_date, from_channel, to_channel, count(distinct journey_key) as persons
  from moves
  group by path_date, from_channel, to_channel
),

shown as (
  select
    moves.path_date,
    moves.journey_key,
    case when from_persons.persons >= {{ k }} then moves.from_channel else '(other)' end
      as shown_from,
    case when pair_persons.persons >= {{ k }} then moves.to_channel else '(other)' end as shown_to
  from moves
  inner join from_persons
    on moves.path_date = from_persons.path_date and moves.from_channel = from_persons.from_channel
  inner join pair_persons
    on moves.path_date = pair_persons.path_date
    and moves.from_channel = pair_persons.from_channel
    and moves.to_channel = pair_persons.to_channel
),

counted as (
  select
    path_date,
    shown_from,
    shown_to,
    count(distinct journey_key) as persons,
    count(*) as transitions
  from shown
  group by path_date, shown_from, shown_to
)

select
  path_date as date,
  shown_from as from_channel,
  shown_to as to_channel,
  persons,
  transitions,
  {{ safe_divide('transitions', 'sum(transitions) over (partition by path_date, shown_from)') }}
    as probability
from counted
