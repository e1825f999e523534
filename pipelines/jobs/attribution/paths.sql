SELECT
  channel_path,
  CAST(SUM(conversions) AS INT64) AS conversions,
  CAST(SUM(non_conversions) AS INT64) AS non_conversions,
  -- Monday of the day's week
  DATE_SUB(date, INTERVAL MOD(EXTRACT(DAYOFWEEK FROM date) + 5, 7) DAY) AS week_start,
  CASE
    WHEN COUNTIF(conversions > 0 AND conversion_value_micros IS NULL) = 0
      THEN CAST(SUM(COALESCE(conversion_value_micros, 0)) AS INT64)
  END AS value_micros,
  MIN(currency_code) AS currency_code,
  MAX(currency_code) AS last_currency_code
FROM marts.journey_paths_daily
WHERE date BETWEEN @start AND @end
GROUP BY channel_path, week_start
ORDER BY week_start, channel_path
