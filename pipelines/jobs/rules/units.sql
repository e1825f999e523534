WITH accounts AS (
  SELECT
    platform,
    account_id,
    MAX(date) AS newest
  FROM marts.ad_features_daily
  WHERE
    level = 'account'
    AND date BETWEEN DATE_SUB(@as_of, INTERVAL 3 DAY) AND @as_of
  GROUP BY platform, account_id
)

SELECT features.*
FROM marts.ad_features_daily AS features
INNER JOIN accounts
  ON
    features.platform = accounts.platform
    AND features.account_id = accounts.account_id
    AND features.date = accounts.newest
WHERE
  features.date BETWEEN DATE_SUB(@as_of, INTERVAL 3 DAY) AND @as_of
  AND features.level IN ('account', 'campaign', 'adgroup')
ORDER BY
  features.platform, features.account_id, features.level, features.campaign_id, features.adgroup_id
