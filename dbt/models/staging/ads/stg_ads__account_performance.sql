-- Account delivery by day, as landed: what the campaigns' spend is checked against.
select
  platform,
  account_id,
  date,
  impressions,
  clicks,
  cost_micros,
  currency_code,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'ads_account_performance') }}
