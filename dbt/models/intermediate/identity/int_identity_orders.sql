-- The person of each order: its customer, else the last customer who used its e-mail address, else
-- the address itself. An order with neither has no person. Test orders say nothing about anybody.
with orders as (
  select *
  from {{ ref('stg_shop__orders') }}
  where status != 'TEST'
),

email_customers as (
  select email_hash, customer_id
  from orders
  where email_hash is not null and customer_id is not null
  qualify row_number() over (
    partition by email_hash
    order by ordered_at desc, customer_id
  ) = 1
)

select
  orders.shop_id,
  orders.order_id,
  orders.ordered_at,
  orders.customer_id,
  orders.email_hash,
  orders.gclid,
  orders.fbclid,
  orders.ttclid,
  coalesce(
    {{ person_key("'user_id'", 'orders.customer_id') }},
    {{ person_key("'user_id'", 'email_customers.customer_id') }},
    {{ person_key("'email_hash'", 'orders.email_hash') }}
  ) as person_id,
  case
    when coalesce(orders.customer_id, email_customers.customer_id) is not null then 'user_id'
    when orders.email_hash is not null then 'email_hash'
  end as method
from orders
left join email_customers on orders.email_hash = email_customers.email_hash
