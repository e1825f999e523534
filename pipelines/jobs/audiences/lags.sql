SELECT
  lag_days,
  CAST(SUM(first_touch_conversions) AS INT64) AS conversions
FROM marts.ga4_lagged_daily
WHERE
  date BETWEEN @first AND @last
  AND default_channel_group LIKE 'Paid%'
GROUP BY lag_days
ORDER BY lag_days
