-- Campaign delivery with its channel: for now the platform is the channel.
select
  platform,
  account_id,
  date,
  campaign_id,
  platform as channel,
  impressions,
  clicks,
  cost_micros,
  conversions,
  conversion_value,
  currency_code,
  time_zone,
  status
from {{ ref('stg_ads__campaign_performance') }}
