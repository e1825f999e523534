-- Which days each ad account lacks between its first and its last published one. Missing isn't
-- zero: a day without spend is published, too. None missing is a row with 0.
WITH days AS (
  SELECT
    platform,
    account_id,
    MIN(date) AS first_day,
    MAX(date) AS last_day,
    COUNT(DISTINCT date) AS published_days
  FROM marts.ads_account_days
  GROUP BY platform, account_id
)

SELECT
  platform,
  account_id,
  first_day,
  last_day,
  published_days,
  DATE_DIFF(last_day, first_day, DAY) + 1 - published_days AS missing_days
FROM days
ORDER BY missing_days DESC, platform, account_id
