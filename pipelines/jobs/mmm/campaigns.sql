SELECT DISTINCT
  platform,
  mmm_channel,
  COALESCE(labels, '') AS labels
FROM marts.dim_campaign
ORDER BY platform, mmm_channel, labels
