SELECT
  platform,
  account_id,
  campaign_id,
  campaign_status,
  daily_budget_micros,
  currency_code,
  time_zone,
  first_date
FROM marts.dim_campaign
ORDER BY platform, account_id, campaign_id
