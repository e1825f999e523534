-- Ad group delivery by day, as landed.
select
  platform,
  account_id,
  date,
  campaign_id,
  adgroup_id,
  impressions,
  clicks,
  cost_micros,
  conversions,
  conversion_value,
  currency_code,
  time_zone,
  attribution_window,
  name_hash,
  status,
  _run_id as run_id
from {{ source('raw', 'ads_adgroup_performance') }}
