WITH days AS (
  SELECT
    platform,
    account_id,
    MIN(date) AS first_day
  FROM marts.ads_account_days
  GROUP BY platform, account_id
),

spend AS (
  SELECT
    platform,
    account_id,
    MIN(channel) AS channel
  FROM marts.fct_ad_spend_daily
  GROUP BY platform, account_id
)

SELECT
  days.platform,
  days.account_id,
  spend.channel,
  days.first_day
FROM days
INNER JOIN spend
  ON days.platform = spend.platform AND days.account_id = spend.account_id
WHERE days.first_day > @after AND days.first_day <= @as_of
ORDER BY days.platform, days.account_id
