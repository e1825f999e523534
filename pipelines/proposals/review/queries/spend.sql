WITH newest AS (
  SELECT MAX(date) AS date FROM marts.fct_ad_spend_daily
)

SELECT
  spend.platform,
  spend.date,
  spend.reporting_currency_code AS currency_code,
  CAST(SUM(spend.cost_reporting_micros) AS INT64) AS cost_micros
FROM marts.fct_ad_spend_daily AS spend
INNER JOIN newest
  ON spend.date >= DATE_SUB(newest.date, INTERVAL 55 DAY)
GROUP BY 1, 2, 3
ORDER BY 1, 2
