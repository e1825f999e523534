SELECT
  job,
  as_of,
  verdict,
  reason
FROM contracts.job_runs
WHERE as_of >= @since
QUALIFY ROW_NUMBER() OVER (PARTITION BY job, as_of ORDER BY finished_at DESC, run_id ASC) = 1
ORDER BY job ASC, as_of DESC
