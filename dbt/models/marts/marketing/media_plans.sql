-- A row a line of a media plan: what a campaign is meant to spend on a flight.
select
  account_id,
  plan_id,
  line_id,
  ad_platform as platform,
  campaign_name as planned_campaign_name,
  market,
  product,
  start_date,
  end_date,
  planned_spend_micros,
  currency_code,
  updated_at,
  time_zone
from {{ ref('stg_lists__media_plans') }}
