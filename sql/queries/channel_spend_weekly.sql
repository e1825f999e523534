-- What each channel cost by full week, in the reporting currency. NULL is a week with an amount
-- whose exchange rate isn't known, not a week without spend.
SELECT
  DATE_TRUNC(date, WEEK (MONDAY)) AS week_start,
  channel,
  IF(COUNT(*) = COUNT(cost_reporting_micros), SUM(cost_reporting_micros), NULL) / 1000000 AS cost,
  reporting_currency_code
FROM marts.fct_ad_spend_daily
WHERE date BETWEEN '2026-05-04' AND '2026-06-28'
GROUP BY week_start, channel, reporting_currency_code
ORDER BY week_start, channel
