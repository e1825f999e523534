SELECT
  run_id,
  as_of
FROM contracts.job_runs
WHERE job = 'fidelity'
ORDER BY as_of DESC, finished_at DESC, run_id ASC
LIMIT 1
