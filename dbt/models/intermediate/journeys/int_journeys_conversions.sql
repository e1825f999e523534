{{ config(by_day(
  'conversion_date',
  ['raw.orders', 'raw.ga4_events', 'raw.crm_leads', 'raw.crm_opportunities', moved_transactions()],
  before=1, after=1
)) }}
-- Conversions that belong to a landed day, each once: orders, what GA4 counts and the shop does not
-- know, leads and opportunities. GA4's day and the shop's differ by their time zones, so a purchase
-- and its order are looked for a day apart, too. A purchase is sent again when its page is opened
-- again: by its device whenever that is, by another a day apart at most, since shops reuse numbers.
{%- set events = var('ga4_conversion_events', ['purchase', 'generate_lead', 'sign_up']) %}
with orders as (
  select *
  from {{ ref('stg_shop__orders') }}
  where {{ restated('order_date', before=1, after=1) }}
),

ga4_events as (
  select *
  from {{ ref('stg_ga4__events') }}
  where
    {{ restated('event_date', before=1, after=1) }}
    and event_name in ('{{ events | join("', '") }}')
),

deduplicated as (
  select *
  from ga4_events
  where true
  qualify row_number() over (
    partition by property_id, event_date, event_key
    order by run_id, event_timestamp
  ) = 1
),

counted as (
  select
    *,
    case when event_name = 'purchase' then transaction_id end as bought_order_id,
    lag(event_date) over (
      partition by property_id, event_name, coalesce(transaction_id, event_key)
      order by event_timestamp, event_key
    ) as previous_date
  from deduplicated
),

-- What GA4 knows of an order: the device.
sightings as (
  select
    orders.shop_id,
    orders.order_id,
    purchases.property_id,
    purchases.client_key
  from orders
  inner join deduplicated as purchases
    on purchases.event_name = 'purchase'
    and orders.order_id = purchases.transaction_id
    and purchases.event_date >= {{ add_days('orders.order_date', -1) }}
    and purchases.event_date <= {{ add_days('orders.order_date', 1) }}
  where true
  qualify row_number() over (
    partition by orders.shop_id, orders.order_id
    order by purchases.event_timestamp, purchases.event_key, purchases.property_id
  ) = 1
),

order_conversions as (
  select
    {{ surrogate_key(["'orders'", 'orders.shop_id', 'orders.order_id']) }} as conversion_id,
    'orders' as source,
    'purchase' as conversion_type,
    orders.ordered_at as converted_at,
    orders.order_date as conversion_date,
    case when sightings.order_id is not null then 'ga4' end as also_seen_by,
    sightings.property_id,
    sightings.client_key,
    orders.shop_id,
    orders.order_id,
    {{ no_text() }} as crm,
    {{ no_text() }} as crm_account_id,
    {{ no_text() }} as lead_id,
    {{ no_text() }} as opportunity_id,
    'order' as person_node_type,
    {{ node_of(['orders.shop_id', 'orders.order_id']) }} as person_node_id,
    {{- click_ids_of_conversion('orders', 'orders') }}
    orders.revenue_micros as value_micros,
    orders.refunded_micros,
    orders.currency_code,
    orders.is_new_customer
  from orders
  left join sightings
    on orders.shop_id = sightings.shop_id and orders.order_id = sightings.order_id
  where
    {{ restated('orders.order_date') }}
    and orders.is_sale
),

-- An order that is no sale is no conversion either, whoever shows it.
ga4_conversions as (
  select
    {{ surrogate_key(["'ga4'", 'events.property_id', 'events.event_date', 'events.event_key']) }}
      as conversion_id,
    'ga4' as source,
    events.event_name as conversion_type,
    events.event_at as converted_at,
    events.event_date as conversion_date,
    {{ no_text() }} as also_seen_by,
    events.property_id,
    events.client_key,
    {{ no_text() }} as shop_id,
    events.transaction_id as order_id,
    {{ no_text() }} as crm,
    {{ no_text() }} as crm_account_id,
    {{ no_text() }} as lead_id,
    {{ no_text() }} as opportunity_id,
    case
      when events.client_key is not null then 'device'
      when events.user_id is not null then 'user_id'
    end as person_node_type,
    coalesce(events.client_key, events.user_id) as person_node_id,
    {{- click_ids_of_conversion(none, 'events') }}
    case when events.event_name = 'purchase' then events.purchase_revenue_micros end
      as value_micros,
    cast(0 as {{ dbt.type_bigint() }}) as refunded_micros,
    case when events.event_name = 'purchase' then events.currency_code end as currency_code,
    cast(null as boolean) as is_new_customer
  from counted as events
  left join orders
    on events.bought_order_id = orders.order_id
    and orders.order_date >= {{ add_days('events.event_date', -1) }}
    and orders.order_date <= {{ add_days('events.event_date', 1) }}
  {{ join_transactions('events') }}
  where
    {{ restated('events.event_date') }}
    and orders.order_id is null
    and not {{ is_sent_again('events', 'transactions') }}
    and (
      events.previous_date is null
      or events.previous_date < {{ add_days('events.event_date', -1) }}
    )
),

lead_conversions as (
  select
    {{ surrogate_key(["'crm'", "'lead'", 'crm', 'account_id', 'lead_id']) }} as conversion_id,
    'crm' as source,
    'lead' as conversion_type,
    created_at as converted_at,
    created_date as conversion_date,
    {{ no_text() }} as also_seen_by,
    {{ no_text() }} as property_id,
    {{ no_text() }} as client_key,
    {{ no_text() }} as shop_id,
    {{ no_text() }} as order_id,
    crm,
    account_id as crm_account_id,
    lead_id,
    opportunity_id,
    'lead' as person_node_type,
    {{ node_of(['crm', 'account_id', 'lead_id']) }} as person_node_id,
    {{- click_ids_of_conversion('crm_leads') }}
    cast(null as {{ dbt.type_bigint() }}) as value_micros,
    cast(0 as {{ dbt.type_bigint() }}) as refunded_micros,
    {{ no_text() }} as currency_code,
    cast(null as boolean) as is_new_customer
  from {{ ref('stg_crm__leads') }}
  where {{ restated('created_date') }}
),

opportunity_conversions as (
  {{ opportunity_conversions('opportunity', 'created_at', 'created_date') }}
  where {{ restated('created_date') }}
)

select * from order_conversions
union all
select * from ga4_conversions
union all
select * from lead_conversions
union all
select * from opportunity_conversions
{{ days_together('conversion_date') }}
