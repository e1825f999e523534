SELECT
  platform,
  account_id,
  campaign_id,
  reporting_currency_code,
  CAST(SUM(COALESCE(cost_reporting_micros, 0)) AS INT64) AS spend_micros,
  SUM(linear_conversions_micros) / 1000000 AS orders
FROM marts.attribution_touch_daily
WHERE date BETWEEN @start AND @as_of AND campaign_id != '(none)'
GROUP BY platform, account_id, campaign_id, reporting_currency_code
ORDER BY platform, account_id, campaign_id
