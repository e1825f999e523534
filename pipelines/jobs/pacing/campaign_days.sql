SELECT
  platform,
  account_id,
  campaign_id,
  date,
  cost_micros,
  daily_budget_micros,
  impressions,
  clicks,
  conversions
FROM marts.ads_campaign_daily
WHERE date BETWEEN @start AND @as_of
ORDER BY platform, account_id, campaign_id, date
