-- What each channel delivered in a month, and at what price. Ratios are of sums.
WITH channels AS (
  SELECT
    channel,
    reporting_currency_code,
    IF(COUNT(*) = COUNT(cost_reporting_micros), SUM(cost_reporting_micros), NULL) AS cost_micros,
    SUM(impressions) AS impressions,
    SUM(clicks) AS clicks
  FROM marts.marketing_performance_daily
  WHERE date BETWEEN '2026-06-01' AND '2026-06-30'
  GROUP BY channel, reporting_currency_code
)

SELECT
  channel,
  cost_micros / 1000000 AS cost,
  reporting_currency_code,
  impressions,
  clicks,
  ROUND(SAFE_DIVIDE(clicks, impressions), 4) AS ctr,
  ROUND(SAFE_DIVIDE(cost_micros, clicks) / 1000000, 2) AS cpc,
  ROUND(SAFE_DIVIDE(cost_micros, impressions) / 1000, 2) AS cpm
FROM channels
ORDER BY cost DESC
