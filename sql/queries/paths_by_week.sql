-- Which paths lead to an order, by full week: more of them reach the number that may be shown.
SELECT week_start, channel_path, path_length, persons, conversions, non_conversions
FROM marts.journey_paths_weekly
WHERE week_start BETWEEN '2026-06-01' AND '2026-06-22'
ORDER BY week_start, conversions DESC
LIMIT 20
