{{ config(by_day(
  'date', ['raw.ads_campaign_performance'], cluster_by=['platform', 'account_id']
)) }}
-- What was spent, by campaign and day: the books.
select
  platform,
  account_id,
  date,
  campaign_id,
  channel,
  impressions,
  clicks,
  cost_micros,
  conversions,
  conversion_value,
  currency_code,
  time_zone
from {{ ref('int_spend_campaign_days') }}
where {{ restated('date') }}
