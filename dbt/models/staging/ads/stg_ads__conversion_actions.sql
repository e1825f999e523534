-- What each conversion action counted, by campaign and day, as landed.
select
  platform,
  account_id,
  date,
  campaign_id,
  conversion_action,
  conversion_action_name,
  category,
  conversions,
  conversion_value,
  all_conversions,
  currency_code,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'ads_conversion_action_stats') }}
