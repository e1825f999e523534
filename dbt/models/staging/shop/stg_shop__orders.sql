-- Orders as landed, with what they are worth after refunds.
select
  shop_id,
  order_id,
  order_date,
  ordered_at,
  customer_id,
  email_hash,
  is_new_customer,
  gclid,
  fbclid,
  ttclid,
  revenue_micros,
  refunded_micros,
  revenue_micros - refunded_micros as net_revenue_micros,
  currency_code,
  time_zone,
  status,
  status not in ('TEST', 'CANCELLED') as is_sale,
  updated_at,
  _run_id as run_id
from {{ source('raw', 'orders') }}
