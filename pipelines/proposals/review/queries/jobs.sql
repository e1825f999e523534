SELECT
  job, run_id, as_of, verdict, reason, model_version, input_snapshot, settings, diagnostics,
  finished_at
FROM contracts.job_runs
WHERE TRUE
QUALIFY
  ROW_NUMBER() OVER (PARTITION BY job ORDER BY as_of DESC, finished_at DESC, run_id ASC) <= 30
ORDER BY job, as_of DESC, finished_at DESC, run_id
