SELECT
  date,
  lag_days,
  CAST(SUM(last_non_direct_conversions) AS INT64) AS conversions
FROM marts.ga4_lagged_daily
WHERE
  date BETWEEN @start AND @as_of
  AND lag_days BETWEEN 0 AND 14
  AND default_channel_group LIKE 'Paid%'
GROUP BY date, lag_days
ORDER BY date, lag_days
