SELECT job, run_id, as_of, model_version, verdict
FROM contracts.job_runs
WHERE as_of <= @as_of
ORDER BY as_of, finished_at, run_id
