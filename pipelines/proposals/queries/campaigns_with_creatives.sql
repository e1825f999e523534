SELECT
  platform,
  account_id,
  campaign_id,
  SUM(weekly_conversions) AS weekly_conversions
FROM contracts.creative_fatigue
WHERE
  run_id = @run_id
  AND is_creative_known
GROUP BY platform, account_id, campaign_id
ORDER BY weekly_conversions DESC, platform, account_id, campaign_id
