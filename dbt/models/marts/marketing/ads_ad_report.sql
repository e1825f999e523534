-- Spend by ad and day, with the names of the ad, its ad group and its campaign. What no ad accounts
-- for is the ad '(none)' of its ad group or campaign.
select
  spend.platform,
  spend.account_id,
  spend.date,
  spend.campaign_id,
  campaigns.name as campaign_name,
  spend.adgroup_id,
  adgroups.name as adgroup_name,
  spend.ad_id,
  ads.name as ad_name,
  spend.finest_level,
  spend.impressions,
  spend.clicks,
  spend.cost_micros,
  spend.conversions,
  spend.conversion_value,
  spend.currency_code,
  spend.time_zone,
  spend.reporting_currency_code,
  spend.cost_reporting_micros,
  spend.conversion_value_reporting
from {{ ref('fct_ad_spend_by_ad_daily') }} as spend
left join {{ ref('stg_ads__entities') }} as campaigns
  on campaigns.entity_type = 'campaign'
  and spend.platform = campaigns.platform
  and spend.account_id = campaigns.account_id
  and spend.campaign_id = campaigns.entity_id
left join {{ ref('stg_ads__entities') }} as adgroups
  on adgroups.entity_type = 'adgroup'
  and spend.platform = adgroups.platform
  and spend.account_id = adgroups.account_id
  and spend.adgroup_id = adgroups.entity_id
left join {{ ref('stg_ads__entities') }} as ads
  on ads.entity_type = 'ad'
  and spend.platform = ads.platform
  and spend.account_id = ads.account_id
  and spend.ad_id = ads.entity_id
