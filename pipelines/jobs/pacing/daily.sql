SELECT
  daily.platform,
  daily.account_id,
  daily.campaign_id,
  campaigns.campaign_name,
  daily.date,
  daily.mtd_cost_micros,
  daily.mtd_target_micros,
  daily.month_target_micros,
  daily.month_forecast_micros,
  daily.classification,
  daily.currency_code
FROM contracts.pacing_daily AS daily
LEFT JOIN marts.dim_campaign AS campaigns
  ON
    daily.platform = campaigns.platform
    AND daily.account_id = campaigns.account_id
    AND daily.campaign_id = campaigns.campaign_id
WHERE daily.run_id = @run_id
ORDER BY daily.platform, daily.account_id, daily.campaign_id, daily.date
