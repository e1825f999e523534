SELECT
  platform,
  date,
  reporting_currency_code AS currency_code,
  CAST(SUM(cost_reporting_micros) AS INT64) AS cost_micros
FROM marts.fct_ad_spend_daily
WHERE date >= (SELECT DATE_SUB(MAX(date), INTERVAL 55 DAY) FROM marts.fct_ad_spend_daily)
GROUP BY 1, 2, 3
ORDER BY 1, 2
