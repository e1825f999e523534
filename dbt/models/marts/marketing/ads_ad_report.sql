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
{{ join_names('spend', ['campaign', 'adgroup', 'ad']) }}
