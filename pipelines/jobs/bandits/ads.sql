SELECT
  platform,
  account_id,
  campaign_id,
  adgroup_id,
  ad_id,
  finest_level,
  date,
  cost_reporting_micros,
  conversions,
  reporting_currency_code
FROM marts.fct_ad_spend_by_ad_daily
WHERE
  finest_level IN ('ad', 'adgroup')
  AND date BETWEEN @start AND @as_of
ORDER BY platform, account_id, campaign_id, adgroup_id, ad_id, date
