-- What each job's runs took and, on BigQuery, were billed for (NULL on DuckDB), the dearest first. A run
-- whose answer was known already isn't made again, and leaves no row.
SELECT
  job,
  COUNT(*) AS runs,
  ROUND(SUM(seconds), 1) AS seconds,
  ROUND(MAX(seconds), 1) AS longest_seconds,
  ROUND(SUM(bytes_billed) / 1073741824, 3) AS gib_billed,
  ROUND(SUM(slot_seconds), 1) AS slot_seconds
FROM contracts.job_runs
WHERE as_of BETWEEN '2026-06-01' AND '2026-06-30'
GROUP BY job
ORDER BY seconds DESC
