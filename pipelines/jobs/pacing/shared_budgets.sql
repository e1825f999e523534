SELECT
  platform,
  account_id,
  campaign_id,
  shared_budget_id,
  valid_from,
  valid_before
FROM marts.ads_budget_history
WHERE
  shared_budget_id IS NOT NULL
  AND valid_from <= @as_of
  AND valid_before > @start
ORDER BY platform, account_id, campaign_id, valid_from
