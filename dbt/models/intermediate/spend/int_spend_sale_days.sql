-- Sales of all shops by day, in the reporting currency as of the day. An amount is NULL where the
-- rate of one of its orders is not known.
with rated as (
  select
    orders.order_date,
    orders.is_new_customer,
    {{ to_reporting_micros('orders.net_revenue_micros', 'orders.currency_code', 'rates.fx_rate') }}
      as net_revenue_reporting_micros
  from {{ ref('stg_shop__orders') }} as orders
  left join {{ ref('int_spend_fx_rates') }} as rates
    on orders.order_date = rates.date
    and orders.currency_code = rates.currency_code
    and rates.reporting_currency_code = {{ reporting_currency() }}
  where orders.is_sale
)

select
  order_date as date,
  {{ reporting_currency() }} as reporting_currency_code,
  count(*) as orders,
  {{ count_where('is_new_customer') }} as new_customers,
  {{ count_where('not is_new_customer') }} as returning_customer_orders,
  {{ if_all_known(
    'net_revenue_reporting_micros', sum_int('net_revenue_reporting_micros')
  ) }} as net_revenue_reporting_micros,
  {{ if_all_known(
    'net_revenue_reporting_micros',
    sum_int('case when is_new_customer then net_revenue_reporting_micros else 0 end')
  ) }} as new_customer_revenue_reporting_micros
from rated
group by order_date
