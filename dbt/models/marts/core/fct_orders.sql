{{ config(partition_by=daily_partitions('order_date'), cluster_by=['shop_id']) }}
-- Orders with their person and what they are worth after refunds.
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
  orders.revenue_micros,
  orders.refunded_micros,
  orders.net_revenue_micros,
  orders.currency_code,
  orders.time_zone,
  orders.status,
  orders.is_sale,
  orders.updated_at
from {{ ref('stg_shop__orders') }} as orders
left join {{ ref('int_identity_orders') }} as persons
  on orders.shop_id = persons.shop_id and orders.order_id = persons.order_id
