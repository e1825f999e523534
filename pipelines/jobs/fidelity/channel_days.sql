SELECT
  date,
  channel,
  cost_reporting_micros,
  impressions,
  clicks,
  conversions
FROM marts.marketing_performance_daily
WHERE date BETWEEN @start AND @as_of AND is_complete
ORDER BY date, channel
