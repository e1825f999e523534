SELECT
  run_id,
  verdict,
  reason
FROM contracts.job_runs
WHERE job = 'clustering'
ORDER BY as_of DESC, finished_at DESC, run_id ASC
LIMIT 1
