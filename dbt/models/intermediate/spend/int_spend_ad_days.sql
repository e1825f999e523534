-- Ad delivery with the names and states that people know the ads by.
select
  days.platform,
  days.account_id,
  days.date,
  days.campaign_id,
  campaigns.name as campaign_name,
  days.adgroup_id,
  adgroups.name as adgroup_name,
  days.ad_id,
  ads.name as ad_name,
  coalesce(ads.status, days.status) as ad_status,
  days.impressions,
  days.clicks,
  days.cost_micros,
  days.conversions,
  days.conversion_value,
  days.currency_code,
  days.time_zone
from {{ ref('stg_ads__ad_performance') }} as days
{{ join_names('days', ['campaign', 'adgroup', 'ad']) }}
