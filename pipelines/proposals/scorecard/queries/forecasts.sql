-- Of the version in use: the first week that each run didn't know, as the newest run of before it forecast it: one forecast
-- a week, so that no outcome counts twice.
WITH runs AS (
  SELECT
    run_id,
    as_of,
    model_version,
    finished_at
  FROM contracts.job_runs
  WHERE
    job = 'mmm'
    AND as_of <= @as_of
    -- one that was run for a day long past knew how it would end
    AND DATE(finished_at) <= DATE_ADD(as_of, INTERVAL 3 DAY)
),

latest AS (
  SELECT model_version
  FROM runs
  ORDER BY as_of DESC, finished_at DESC, run_id ASC
  LIMIT 1
),

weeks AS (
  SELECT
    week_start,
    MAX(orders) AS orders
  FROM marts.mmm_input_weekly
  WHERE is_complete AND week_start <= @last_week_start
  GROUP BY week_start
)

SELECT
  predictions.week_start,
  predictions.orders_p10,
  predictions.orders_p50,
  predictions.orders_p90,
  weeks.orders
FROM contracts.mmm_predictions_weekly AS predictions
INNER JOIN runs ON predictions.run_id = runs.run_id
INNER JOIN latest ON runs.model_version = latest.model_version
INNER JOIN weeks ON predictions.week_start = weeks.week_start
WHERE
  predictions.week_start > predictions.origin_week
  AND predictions.week_start > DATE_SUB(runs.as_of, INTERVAL 6 DAY)
  AND weeks.orders IS NOT NULL
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY predictions.week_start
    ORDER BY runs.as_of DESC, runs.finished_at DESC, runs.run_id ASC
  ) = 1
ORDER BY predictions.week_start
