WITH latest AS (
  SELECT
    job,
    verdict,
    seconds,
    finished_at
  FROM contracts.job_runs
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY job ORDER BY as_of DESC, finished_at DESC, run_id ASC) = 1
),

totals AS (
  SELECT
    job,
    COUNT(*) AS runs,
    SUM(bytes_billed) AS bytes_billed,
    SUM(slot_seconds) AS slot_seconds
  FROM contracts.job_runs
  GROUP BY job
)

SELECT
  latest.job,
  latest.verdict,
  latest.seconds,
  latest.finished_at,
  totals.runs,
  totals.bytes_billed,
  totals.slot_seconds
FROM latest
INNER JOIN totals ON latest.job = totals.job
ORDER BY latest.job
