-- Campaign budgets as seen, one row a sighting.
select
  platform,
  account_id,
  campaign_id,
  effective_from,
  daily_budget_micros,
  budget_id,
  is_shared,
  currency_code,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'ads_campaign_budgets') }}
