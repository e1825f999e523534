WITH latest AS (
  SELECT
    run_id,
    as_of
  FROM contracts.job_runs
  WHERE job = 'mmm' AND verdict = 'PASS' AND as_of <= @as_of
  ORDER BY as_of DESC, finished_at DESC, run_id
  LIMIT 1
)

SELECT
  contributions.run_id,
  contributions.as_of,
  contributions.channel,
  contributions.week_start,
  contributions.orders_mean,
  contributions.orders_p10,
  contributions.orders_p50,
  contributions.orders_p90
FROM contracts.mmm_contributions_weekly AS contributions
INNER JOIN latest ON contributions.run_id = latest.run_id
WHERE contributions.week_start >= @start
ORDER BY contributions.week_start, contributions.channel
