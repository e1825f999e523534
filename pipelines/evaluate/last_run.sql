SELECT run_id
FROM contracts.job_runs
WHERE job = @job
ORDER BY as_of DESC, finished_at DESC, run_id ASC
LIMIT 1
