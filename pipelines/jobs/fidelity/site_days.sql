WITH visits AS (
  SELECT
    date,
    SUM(sessions) AS sessions,
    SUM(purchases) AS purchases
  FROM marts.ga4_daily
  WHERE date BETWEEN @start AND @as_of
  GROUP BY date
),

sales AS (
  SELECT
    order_date AS date,
    COUNT(*) AS orders
  FROM marts.fct_orders
  WHERE order_date BETWEEN @start AND @as_of AND is_sale
  GROUP BY order_date
)

SELECT
  sales.orders,
  CAST(visits.sessions AS INT64) AS sessions,
  CAST(visits.purchases AS INT64) AS purchases,
  COALESCE(visits.date, sales.date) AS date
FROM visits
FULL OUTER JOIN sales ON visits.date = sales.date
ORDER BY date
