-- Ad delivery with the names and states that people know the ads by.
with entities as (
  select * from {{ ref('stg_ads__entities') }}
)

select
  ads.platform,
  ads.account_id,
  ads.date,
  ads.campaign_id,
  campaigns.name as campaign_name,
  ads.adgroup_id,
  adgroups.name as adgroup_name,
  ads.ad_id,
  ad_entities.name as ad_name,
  coalesce(ad_entities.status, ads.status) as ad_status,
  ads.impressions,
  ads.clicks,
  ads.cost_micros,
  ads.conversions,
  ads.conversion_value,
  ads.currency_code,
  ads.time_zone
from {{ ref('stg_ads__ad_performance') }} as ads
left join entities as campaigns
  on campaigns.entity_type = 'campaign'
  and ads.platform = campaigns.platform
  and ads.account_id = campaigns.account_id
  and ads.campaign_id = campaigns.entity_id
left join entities as adgroups
  on adgroups.entity_type = 'adgroup'
  and ads.platform = adgroups.platform
  and ads.account_id = adgroups.account_id
  and ads.adgroup_id = adgroups.entity_id
left join entities as ad_entities
  on ad_entities.entity_type = 'ad'
  and ads.platform = ad_entities.platform
  and ads.account_id = ad_entities.account_id
  and ads.ad_id = ad_entities.entity_id
