-- How long people take from the first touch to an order, in periods of 24 hours. The latest days
-- are incomplete.
SELECT
  default_channel_group,
  SUM(first_touch_conversions) AS conversions,
  SUM(IF(lag_days = 0, first_touch_conversions, 0)) AS within_a_day,
  SUM(IF(lag_days BETWEEN 1 AND 6, first_touch_conversions, 0)) AS within_a_week,
  SUM(IF(lag_days > 6, first_touch_conversions, 0)) AS later
FROM marts.ga4_lagged_daily
WHERE date BETWEEN '2026-05-01' AND '2026-06-30'
GROUP BY default_channel_group
ORDER BY conversions DESC
