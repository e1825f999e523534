-- Which paths lead to an order, by day. Paths that few people took are together in `(other)`.
SELECT
  channel_path,
  path_length,
  SUM(persons) AS persons,
  SUM(conversions) AS conversions,
  SUM(non_conversions) AS non_conversions
FROM marts.journey_paths_daily
WHERE date BETWEEN '2026-06-01' AND '2026-06-30'
GROUP BY channel_path, path_length
ORDER BY conversions DESC
LIMIT 20
