{{ config(materialized='view') }}
-- Refunds by the day they were made on, with the order they belong to.
select
  refunds.shop_id,
  refunds.refund_id,
  refunds.order_id,
  refunds.refund_date,
  refunds.refunded_at,
  refunds.amount_micros,
  refunds.currency_code,
  orders.order_date,
  orders.is_sale
from {{ ref('stg_shop__order_refunds') }} as refunds
left join {{ ref('stg_shop__orders') }} as orders
  on refunds.shop_id = orders.shop_id and refunds.order_id = orders.order_id
