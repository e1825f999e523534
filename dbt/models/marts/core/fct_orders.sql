{{ config(materialized='view') }}
-- Orders with what they are worth after refunds and their person as known now. Test orders are not in
-- identity_map: they say nothing about anybody.
with orders as (
  select *, {{ node_of(['shop_id', 'order_id']) }} as order_node
  from {{ ref('stg_shop__orders') }}
)

select
  orders.shop_id,
  orders.order_id,
  orders.order_date,
  orders.ordered_at,
  persons.person_id,
  persons.method as person_method,
  orders.is_new_customer,
  orders.gclid,
  orders.fbclid,
  orders.ttclid,
  orders.li_fat_id,
  orders.revenue_micros,
  orders.refunded_micros,
  orders.net_revenue_micros,
  orders.currency_code,
  orders.time_zone,
  orders.status,
  orders.is_sale,
  orders.updated_at
from orders
left join {{ ref('identity_map') }} as persons
  on persons.node_type = 'order' and orders.order_node = persons.node_id
