SELECT
  platform,
  account_id,
  audience_id,
  audience_name,
  retention_days,
  people_at_most
FROM marts.dim_audience
ORDER BY platform, account_id, audience_id
