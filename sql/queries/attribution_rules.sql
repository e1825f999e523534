-- How much the answer depends on the attribution rule. Every column adds up to the same
-- conversions.
SELECT
  default_channel_group,
  ROUND(SUM(first_touch_conversions_micros) / 1000000, 1) AS first_touch,
  ROUND(SUM(last_touch_conversions_micros) / 1000000, 1) AS last_touch,
  ROUND(SUM(last_non_direct_conversions_micros) / 1000000, 1) AS last_non_direct,
  ROUND(SUM(linear_conversions_micros) / 1000000, 1) AS linear_,
  ROUND(SUM(position_based_conversions_micros) / 1000000, 1) AS position_based,
  ROUND(SUM(time_decay_conversions_micros) / 1000000, 1) AS time_decay
FROM marts.attribution_touch_daily
WHERE date BETWEEN '2026-05-01' AND '2026-06-30'
GROUP BY default_channel_group
ORDER BY linear_ DESC
