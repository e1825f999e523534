-- Up to which day each account's tables are published, since when, and how much of it was restated.
SELECT
  source,
  table_name,
  account_id,
  MAX(window_end) AS last_day,
  MAX(published_at) AS last_published_at,
  SUM(restated_rows) AS restated_rows
FROM raw.load_ledger
GROUP BY source, table_name, account_id
ORDER BY last_day, source, table_name, account_id
