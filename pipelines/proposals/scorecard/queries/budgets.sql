SELECT
  platform,
  account_id,
  campaign_id,
  effective_from,
  daily_budget_micros,
  previous_daily_budget_micros,
  shared_budget_id,
  currency_code
FROM marts.ads_budget_history
WHERE effective_from <= @as_of
ORDER BY platform, account_id, campaign_id, effective_from
