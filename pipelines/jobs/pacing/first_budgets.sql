SELECT
  platform,
  account_id,
  campaign_id,
  MIN(effective_from) AS first_seen
FROM marts.ads_budget_history
GROUP BY platform, account_id, campaign_id
HAVING MIN(effective_from) > @start
ORDER BY platform, account_id, campaign_id
