-- How many orders all platforms together claim for each that the shop had, by week. Above 1 they
-- claim more than there were; it says nothing of which one does.
WITH claims AS (
  SELECT DATE_TRUNC(date, WEEK (MONDAY)) AS week_start, SUM(conversions) AS claimed
  FROM marts.fct_ad_spend_daily
  WHERE date BETWEEN '2026-05-04' AND '2026-06-28'
  GROUP BY week_start
),

sales AS (
  SELECT DATE_TRUNC(order_date, WEEK (MONDAY)) AS week_start, COUNT(*) AS orders
  FROM marts.fct_orders
  WHERE order_date BETWEEN '2026-05-04' AND '2026-06-28' AND is_sale
  GROUP BY week_start
)

SELECT
  claims.week_start,
  ROUND(claims.claimed, 1) AS claimed,
  sales.orders,
  ROUND(SAFE_DIVIDE(claims.claimed, sales.orders), 2) AS claims_per_order
FROM claims
INNER JOIN sales ON claims.week_start = sales.week_start
ORDER BY claims.week_start
