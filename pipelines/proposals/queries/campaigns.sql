SELECT
  platform, account_id, campaign_id, campaign_name, campaign_status,
  daily_budget_micros, currency_code
FROM marts.dim_campaign
ORDER BY platform, account_id, campaign_id
