-- Published batches of orders, from the load ledger.
select
  run_id,
  source,
  account_id as shop_id,
  window_start,
  window_end,
  row_count,
  restated_rows,
  pulled_at,
  published_at
from {{ source('raw', 'load_ledger') }}
where table_name = 'raw.orders'
