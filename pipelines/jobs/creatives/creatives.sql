SELECT
  platform,
  account_id,
  campaign_id,
  adgroup_id,
  ad_id,
  ad_name,
  headline,
  body,
  description,
  call_to_action,
  image_sha256
FROM marts.dim_creative
ORDER BY platform, account_id, campaign_id, adgroup_id, ad_id
