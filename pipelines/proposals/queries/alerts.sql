SELECT
  platform, account_id, campaign_id, detector, severity, since, message, recent_daily_micros,
  currency_code, shared_budget_id
FROM contracts.pacing_alerts
WHERE run_id = @run_id
ORDER BY platform, account_id, campaign_id, detector
