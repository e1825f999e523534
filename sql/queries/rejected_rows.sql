-- Which rows were set aside because they failed an expectation, by table and reason. The rest of
-- their batch landed; the rows come in again with a corrected pull of the same days.
SELECT
  source,
  table_name,
  account_id,
  expectation,
  why,
  COUNT(*) AS rejected,
  MAX(day) AS last_day
FROM raw.rejected_rows
WHERE day BETWEEN '2026-01-01' AND '2026-06-30'
GROUP BY source, table_name, account_id, expectation, why
ORDER BY rejected DESC
