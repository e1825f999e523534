SELECT
  source,
  account_id,
  table_name,
  MIN(window_start) AS first_day,
  LEAST(MAX(window_end), @yesterday) AS last_day,
  MAX(published_at) AS published_at
FROM raw.load_ledger
WHERE NOT STARTS_WITH(source, 'files')
GROUP BY source, account_id, table_name
HAVING MAX(window_end) >= @since
ORDER BY table_name, source, account_id
