-- What each build of the models took and, on BigQuery, was billed for (NULL on DuckDB). A build with
-- nothing new leaves no row.
SELECT
  started_at,
  TIMESTAMP_DIFF(finished_at, started_at, SECOND) AS seconds,
  ROUND(bytes_billed / 1073741824, 3) AS gib_billed,
  ROUND(slot_seconds, 1) AS slot_seconds,
  models,
  tests,
  verdict,
  reason
FROM contracts.builds
ORDER BY started_at DESC
