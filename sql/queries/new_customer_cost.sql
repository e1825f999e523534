-- What a new customer cost by week: all spend against all sales, no platform's claims. NULL where a
-- day is missing.
WITH weeks AS (
  SELECT
    DATE_TRUNC(date, WEEK (MONDAY)) AS week_start,
    reporting_currency_code,
    IF(COUNT(*) = COUNT(cost_reporting_micros), SUM(cost_reporting_micros), NULL) AS cost_micros,
    IF(COUNT(*) = COUNT(net_revenue_reporting_micros), SUM(net_revenue_reporting_micros), NULL)
      AS net_revenue_micros,
    IF(COUNT(*) = COUNT(new_customers), SUM(new_customers), NULL) AS new_customers,
    SUM(returning_customer_orders) AS returning_customer_orders
  FROM marts.customer_acquisition_daily
  WHERE date BETWEEN '2026-05-04' AND '2026-06-28'
  GROUP BY week_start, reporting_currency_code
)

SELECT
  week_start,
  cost_micros / 1000000 AS cost,
  reporting_currency_code,
  new_customers,
  returning_customer_orders,
  ROUND(SAFE_DIVIDE(cost_micros, new_customers) / 1000000, 2) AS blended_cac,
  ROUND(SAFE_DIVIDE(net_revenue_micros, cost_micros), 2) AS blended_roas
FROM weeks
ORDER BY week_start
