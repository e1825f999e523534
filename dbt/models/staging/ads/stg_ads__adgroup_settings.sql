-- What ad groups are set to, one row a sighting; lists are texts, one a line, since later models are
-- scalar.
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
  array_to_string(countries, chr(10)) as countries,
  array_to_string(audience_ids, chr(10)) as audience_ids,
  array_to_string(excluded_audience_ids, chr(10)) as excluded_audience_ids,
  is_audience_expanded,
  age_min,
  age_max,
  currency_code,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'ads_adgroup_settings') }}
