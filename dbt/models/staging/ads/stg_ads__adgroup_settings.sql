-- What ad groups are set to, one row a sighting.
select
  platform,
  account_id,
  campaign_id,
  adgroup_id,
  effective_from,
  status,
  daily_budget_micros,
  starts_on,
  learning_phase,
  edited_at,
  countries,
  audience_ids,
  excluded_audience_ids,
  is_audience_expanded,
  age_min,
  age_max,
  currency_code,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'ads_adgroup_settings') }}
