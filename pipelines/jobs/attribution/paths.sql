SELECT
  week_start,
  channel_path,
  conversions,
  non_conversions,
  conversion_value_micros AS value_micros,
  currency_code
FROM marts.journey_paths_weekly
WHERE week_start BETWEEN @start AND @end
ORDER BY week_start, channel_path
