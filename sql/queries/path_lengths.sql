-- How many touches journeys have, and how often they end in an order. Paths that few people took are
-- together in `(other)`, whose length isn't known (NULL): long ones are mostly there.
SELECT
  path_length,
  SUM(persons) AS journeys,
  SUM(conversions) AS orders,
  ROUND(SAFE_DIVIDE(SUM(conversions), SUM(persons)), 4) AS orders_per_journey
FROM marts.journey_paths_weekly
WHERE week_start BETWEEN '2026-06-01' AND '2026-06-22'
GROUP BY path_length
ORDER BY path_length
