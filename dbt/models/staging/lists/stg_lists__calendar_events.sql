-- Promotions, holidays, price changes and stock-outs, as their calendars have them now.
select
  account_id,
  event_id,
  name,
  kind,
  start_date,
  end_date,
  market,
  population_share,
  intensity,
  expected_sign,
  known_in_advance,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'calendar_events') }}
