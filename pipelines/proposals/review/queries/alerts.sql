SELECT
  platform, account_id, campaign_id, detector, severity, since, message, cause, mitigation, pace,
  recent_daily_micros, daily_budget_micros, currency_code
FROM contracts.pacing_alerts
WHERE run_id = @run_id
ORDER BY severity, since, platform, account_id, campaign_id, detector
