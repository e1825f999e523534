-- Media plans, as their lists have them now.
select
  account_id,
  plan_id,
  line_id,
  ad_platform,
  campaign_name,
  market,
  product,
  start_date,
  end_date,
  planned_spend_micros,
  currency_code,
  updated_at,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'media_plans') }}
