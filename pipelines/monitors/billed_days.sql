WITH billed AS (
  SELECT
    DATE(finished_at) AS day,
    bytes_billed
  FROM contracts.job_runs
  UNION ALL
  SELECT
    DATE(finished_at) AS day,
    bytes_billed
  FROM contracts.builds
)

SELECT
  day,
  SUM(bytes_billed) AS bytes_billed
FROM billed
WHERE day >= @since AND bytes_billed IS NOT NULL
GROUP BY day
ORDER BY day DESC
