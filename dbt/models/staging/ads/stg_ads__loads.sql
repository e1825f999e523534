-- Published batches of ad tables, from the load ledger.
select
  run_id,
  source,
  table_name,
  platform,
  account_id,
  window_start,
  window_end,
  row_count,
  restated_rows,
  pulled_at,
  published_at
from {{ source('raw', 'load_ledger') }}
where platform is not null
