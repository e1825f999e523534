SELECT job, run_id, as_of, verdict, reason
FROM contracts.job_runs
WHERE job = @job AND as_of <= @as_of
ORDER BY as_of DESC, finished_at DESC, run_id
LIMIT 1
