-- Spend by campaign and day, with the campaign's name.
select
  spend.platform,
  spend.account_id,
  spend.date,
  spend.campaign_id,
  campaigns.name as campaign_name,
  campaigns.advertising_type,
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
from {{ ref('fct_ad_spend_daily') }} as spend
{{ join_names('spend', ['campaign']) }}
