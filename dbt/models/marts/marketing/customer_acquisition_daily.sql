-- What the business paid for its customers by day: all spend beside all sales, in the reporting
-- currency. No platform's claims are in it. Spend is by the accounts' days, sales by the shops'.
with parts as (
  select
    date,
    reporting_currency_code,
    cost_reporting_micros,
    0 as orders,
    0 as new_customers,
    0 as returning_customer_orders,
    0 as net_revenue_reporting_micros,
    0 as new_customer_revenue_reporting_micros
  from {{ ref('fct_ad_spend_daily') }}
  union all
  select
    date,
    reporting_currency_code,
    0 as cost_reporting_micros,
    orders,
    new_customers,
    returning_customer_orders,
    net_revenue_reporting_micros,
    new_customer_revenue_reporting_micros
  from {{ ref('int_spend_sale_days') }}
),

days as (
  select
    date,
    reporting_currency_code,
    {{ if_all_known('cost_reporting_micros', sum_int('cost_reporting_micros')) }}
      as cost_reporting_micros,
    {{ sum_int('orders') }} as orders,
    {{ sum_int('new_customers') }} as new_customers,
    {{ sum_int('returning_customer_orders') }} as returning_customer_orders,
    {{ if_all_known('net_revenue_reporting_micros', sum_int('net_revenue_reporting_micros')) }}
      as net_revenue_reporting_micros,
    {{ if_all_known(
      'new_customer_revenue_reporting_micros', sum_int('new_customer_revenue_reporting_micros')
    ) }} as new_customer_revenue_reporting_micros
  from parts
  group by date, reporting_currency_code
)

select
  date,
  reporting_currency_code,
  cost_reporting_micros,
  orders,
  new_customers,
  returning_customer_orders,
  net_revenue_reporting_micros,
  new_customer_revenue_reporting_micros,
  {{ micros_per('cost_reporting_micros', 'new_customers') }} as blended_cac_micros,
  {{ safe_divide('net_revenue_reporting_micros', 'cost_reporting_micros') }} as blended_roas,
  {{ safe_divide('new_customer_revenue_reporting_micros', 'cost_reporting_micros') }}
    as new_customer_roas
from days
