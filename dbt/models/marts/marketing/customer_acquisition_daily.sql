-- What the business paid for its customers by day: all spend beside all sales, in the reporting
-- currency. No platform's claims are in it. Spend is by the accounts' days, sales by the shops'. What
-- no batch covers is not known, which is not 0.
with parts as (
  select
    date,
    reporting_currency_code,
    1 as spend_rows,
    0 as sale_rows,
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
    0 as spend_rows,
    1 as sale_rows,
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
    max(spend_rows) as has_spend,
    max(sale_rows) as has_sales,
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
),

ad_days as (
  select date from {{ ref('ads_account_days') }}
  group by date
),

missing_days as (
  select date from {{ ref('int_spend_missing_days') }}
  group by date
),

shop_days as (
  select date from {{ ref('int_spend_shop_days') }}
  group by date
),

known as (
  select
    days.date,
    days.reporting_currency_code,
    case
      when missing_days.date is null and (days.has_spend = 1 or ad_days.date is not null)
        then days.cost_reporting_micros
    end as cost_reporting_micros,
    case when days.has_sales = 1 or shop_days.date is not null then days.orders end
      as orders,
    case when days.has_sales = 1 or shop_days.date is not null then days.new_customers end
      as new_customers,
    case when days.has_sales = 1 or shop_days.date is not null then days.returning_customer_orders end
      as returning_customer_orders,
    case when days.has_sales = 1 or shop_days.date is not null then days.net_revenue_reporting_micros end
      as net_revenue_reporting_micros,
    case when days.has_sales = 1 or shop_days.date is not null then days.new_customer_revenue_reporting_micros end
      as new_customer_revenue_reporting_micros
  from days
  left join ad_days on days.date = ad_days.date
  left join missing_days on days.date = missing_days.date
  left join shop_days on days.date = shop_days.date
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
from known
