{{ config(materialized='view') }}
-- Orders with what they are worth after refunds and their person as known now: the order's own
-- node, else its customer's, else its e-mail address's. Test orders say nothing about anybody.
with persons as (
  select node_type, node_id, person_id, method from {{ ref('identity_map') }}
),

orders as (
  select
    *,
    case when status != 'TEST' then {{ node_of(['shop_id', 'order_id']) }} end as order_node,
    case when status != 'TEST' then customer_id end as customer_node,
    case when status != 'TEST' then email_hash end as email_node
  from {{ ref('stg_shop__orders') }}
)

select
  orders.shop_id,
  orders.order_id,
  orders.order_date,
  orders.ordered_at,
  coalesce(by_order.person_id, by_customer.person_id, by_email.person_id) as person_id,
  case
    when by_order.person_id is not null then by_order.method
    when by_customer.person_id is not null then by_customer.method
    else by_email.method
  end as person_method,
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
left join persons as by_order
  on by_order.node_type = 'order' and orders.order_node = by_order.node_id
left join persons as by_customer
  on by_customer.node_type = 'user_id' and orders.customer_node = by_customer.node_id
left join persons as by_email
  on by_email.node_type = 'email_hash' and orders.email_node = by_email.node_id
