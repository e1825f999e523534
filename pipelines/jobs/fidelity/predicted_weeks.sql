WITH runs AS (
  SELECT run_id, as_of
  FROM contracts.job_runs
  WHERE job = 'mmm' AND as_of BETWEEN @since AND @as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY as_of ORDER BY finished_at DESC, run_id ASC) = 1
),

weeks AS (
  SELECT
    week_start,
    MAX(orders) AS orders
  FROM marts.mmm_input_weekly
  WHERE is_complete AND week_start BETWEEN @since AND @last_week_start
  GROUP BY week_start
)

SELECT
  runs.run_id,
  runs.as_of,
  predictions.origin_week,
  predictions.week_start,
  predictions.orders_p10,
  predictions.orders_p50,
  predictions.orders_p90,
  weeks.orders
FROM contracts.mmm_predictions_weekly AS predictions
INNER JOIN runs ON predictions.run_id = runs.run_id
INNER JOIN weeks ON predictions.week_start = weeks.week_start
WHERE
  predictions.week_start > predictions.origin_week
  AND predictions.week_start <= DATE_ADD(predictions.origin_week, INTERVAL 28 DAY)
  AND weeks.orders IS NOT NULL
ORDER BY runs.as_of, runs.run_id, predictions.origin_week, predictions.week_start
