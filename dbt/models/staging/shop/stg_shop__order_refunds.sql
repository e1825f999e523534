-- Refunds by the day they were made on, as landed.
select
  shop_id,
  refund_id,
  order_id,
  refund_date,
  refunded_at,
  amount_micros,
  currency_code,
  _run_id as run_id
from {{ source('raw', 'order_refunds') }}
