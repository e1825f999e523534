WITH last_run AS (
  SELECT run_id
  FROM contracts.job_runs
  WHERE
    job = 'mmm'
    AND verdict = 'PASS'
    AND model_version = @model_version
    AND as_of < @as_of
    AND as_of >= @since
  ORDER BY as_of DESC, finished_at DESC, run_id ASC
  LIMIT 1
)

SELECT
  curves.channel,
  curves.as_of,
  curves.weekly_spend_micros,
  curves.orders_p10,
  curves.orders_p50,
  curves.orders_p90,
  curves.marginal_orders_p10,
  curves.marginal_orders_p50,
  curves.marginal_orders_p90,
  curves.currency_code
FROM contracts.mmm_curves AS curves
INNER JOIN last_run ON curves.run_id = last_run.run_id
WHERE curves.is_current AND curves.horizon_weeks = 0
ORDER BY curves.channel
