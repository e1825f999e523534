-- Spend by ad group and day, with the names of the ad group and its campaign. What no ad group
-- accounts for is the ad group '(none)' of its campaign.
with adgroup_days as (
  select
    platform,
    account_id,
    date,
    campaign_id,
    adgroup_id,
    {{ sum_int('impressions') }} as impressions,
    {{ sum_int('clicks') }} as clicks,
    {{ sum_int('cost_micros') }} as cost_micros,
    sum(conversions) as conversions,
    sum(conversion_value) as conversion_value,
    currency_code,
    max(time_zone) as time_zone,
    reporting_currency_code,
    {{ if_all_known('cost_reporting_micros', sum_int('cost_reporting_micros')) }}
      as cost_reporting_micros,
    {{ if_all_known('conversion_value_reporting', 'sum(conversion_value_reporting)') }}
      as conversion_value_reporting
  from {{ ref('fct_ad_spend_by_ad_daily') }}
  group by
    platform, account_id, date, campaign_id, adgroup_id,
    currency_code, reporting_currency_code
)

select
  spend.platform,
  spend.account_id,
  spend.date,
  spend.campaign_id,
  campaigns.name as campaign_name,
  spend.adgroup_id,
  adgroups.name as adgroup_name,
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
from adgroup_days as spend
{{ join_names('spend', ['campaign', 'adgroup']) }}
