-- Which campaigns spent without any order that can be traced to them; the dearest of those come
-- first.
SELECT
  platform,
  account_id,
  campaign_id,
  IF(COUNT(*) = COUNT(cost_reporting_micros), SUM(cost_reporting_micros), NULL) / 1000000 AS cost,
  reporting_currency_code,
  SUM(last_non_direct_conversions_micros) / 1000000 AS orders_last_non_direct
FROM marts.attribution_touch_daily
WHERE date BETWEEN '2026-06-01' AND '2026-06-30' AND platform IS NOT NULL
GROUP BY platform, account_id, campaign_id, reporting_currency_code
HAVING MAX(cost_micros) > 0
ORDER BY orders_last_non_direct, cost DESC
