WITH accounts AS (
  SELECT
    platform,
    account_id,
    MAX(date) AS data_to
  FROM marts.ads_account_days
  GROUP BY platform, account_id
)

SELECT
  campaigns.platform,
  campaigns.account_id,
  campaigns.campaign_id,
  campaigns.campaign_name,
  campaigns.campaign_status,
  campaigns.daily_budget_micros,
  campaigns.currency_code,
  campaigns.shared_budget_id,
  campaigns.mmm_channel,
  accounts.data_to
FROM marts.dim_campaign AS campaigns
LEFT JOIN accounts
  ON
    campaigns.platform = accounts.platform
    AND campaigns.account_id = accounts.account_id
ORDER BY campaigns.platform, campaigns.account_id, campaigns.campaign_id
