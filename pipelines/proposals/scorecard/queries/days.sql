SELECT
  platform,
  account_id,
  campaign_id,
  date,
  cost_micros,
  conversions,
  currency_code,
  status_on_day
FROM marts.ads_campaign_daily
WHERE date BETWEEN @start AND @as_of
ORDER BY platform, account_id, campaign_id, date
