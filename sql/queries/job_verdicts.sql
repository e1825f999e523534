-- What each job said, the latest first, and why. Only PASS leads to proposals; INCONCLUSIVE and
-- NO_DATA say in reason what is lacking.
SELECT job, as_of, verdict, reason, model_version, finished_at
FROM contracts.job_runs
WHERE as_of BETWEEN '2026-06-01' AND '2026-06-30'
ORDER BY finished_at DESC, job
