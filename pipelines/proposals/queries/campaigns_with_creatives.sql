WITH campaigns AS (
  SELECT DISTINCT
    platform,
    account_id,
    campaign_id
  FROM marts.dim_creative
  WHERE ad_status = 'ENABLED'
)

SELECT
  spend.platform,
  spend.account_id,
  spend.campaign_id,
  SUM(spend.conversions) AS conversions
FROM marts.fct_ad_spend_daily AS spend
INNER JOIN campaigns
  ON
    spend.platform = campaigns.platform
    AND spend.account_id = campaigns.account_id
    AND spend.campaign_id = campaigns.campaign_id
WHERE spend.date BETWEEN @start AND @as_of
GROUP BY spend.platform, spend.account_id, spend.campaign_id
ORDER BY conversions DESC, spend.platform, spend.account_id, spend.campaign_id
