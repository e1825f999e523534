SELECT
  source,
  table_name,
  COUNT(*) AS batches,
  SUM(row_count) AS landed,
  SUM(restated_rows) AS restated,
  SUM(COALESCE(withdrawn_rows, 0)) AS withdrawn,
  SUM(dropped_rows) AS dropped,
  SUM(COALESCE(rejected_rows, 0)) AS set_aside
FROM raw.load_ledger
GROUP BY source, table_name
ORDER BY source, table_name
