-- Which budgets changed, when, and by how much. Count campaigns with one shared_budget_id once.
SELECT
  platform,
  campaign_name,
  valid_from,
  previous_daily_budget_micros / 1000000 AS before,
  daily_budget_micros / 1000000 AS after,
  ROUND(SAFE_DIVIDE(daily_budget_micros, previous_daily_budget_micros) - 1, 3) AS change,
  currency_code
FROM marts.ads_budget_history
WHERE previous_daily_budget_micros IS NOT NULL AND daily_budget_micros != previous_daily_budget_micros
ORDER BY valid_from DESC, platform, campaign_name
