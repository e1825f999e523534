-- Experiments on spend, as their lists have them now; geos are a text, one a line. Those on the site
-- changed no channel's spend.
select
  account_id,
  experiment_id,
  name,
  kind,
  channel,
  measured_by,
  status,
  start_date,
  end_date,
  post_end_date,
  spend_test_micros,
  spend_baseline_micros,
  spend_delta_micros,
  currency_code,
  outcome,
  effect,
  standard_error,
  effect_low,
  effect_high,
  interval_level,
  population_share,
  nullif(array_to_string(geos, chr(10)), '') as geos,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'experiments') }}
where channel is not null
