SELECT
  platform,
  account_id,
  campaign_id,
  campaign_status,
  time_zone,
  COALESCE(mmm_channel, platform) AS channel
FROM marts.dim_campaign
ORDER BY platform, account_id, campaign_id
