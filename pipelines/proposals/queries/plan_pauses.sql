SELECT
  platform, account_id, campaign_id, 'media_plan' AS detector, classification AS severity,
  start_date AS since, reason AS message, recent_daily_micros, currency_code,
  CAST(NULL AS STRING) AS shared_budget_id
FROM contracts.media_plan_pacing
WHERE run_id = @run_id AND action = 'PAUSE'
ORDER BY platform, account_id, campaign_id, plan_owner, plan_id, line_id
