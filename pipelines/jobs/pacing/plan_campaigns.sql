SELECT
  platform,
  account_id,
  campaign_id,
  campaign_name,
  labels
FROM marts.dim_campaign
ORDER BY platform, account_id, campaign_id
