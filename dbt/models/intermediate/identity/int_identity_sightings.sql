{{ config(by_day(
  'seen_date',
  ['raw.ga4_events', 'raw.server_events', 'raw.orders', 'raw.crm_leads', 'raw.crm_opportunities'],
  cluster_by=['left_type', 'right_type']
)) }}
-- Identifiers that a record showed together, by day. A record is a star around its device: clicks and
-- documents hang on the device, on the strongest name (user id, then address, then number) where there
-- is none; weaker names hang on the strongest. What stands in a record alone is tied to itself, so that
-- it is there from its first event on.
{% set kinds = identity_kinds() %}
{% set clicks_and_documents = (kinds | list)[4:] %}

-- A purchase names its order by the shop's number; a number that two shops use names none, nor does a
-- test order's.
with order_numbers as (
  select order_id, min(shop_id) as only_shop_id
  from {{ ref('stg_shop__orders') }}
  where status != 'TEST' and {{ restated('order_date', before=3, after=3) }}
  group by order_id
  having count(distinct shop_id) = 1
),

records as (
  {{ identity_record('events.event_date', 'events.event_at', dict({
    'client_key': 'events.client_key', 'user_id': 'events.user_id',
    'order_key': dbt.concat(['order_numbers.only_shop_id', "'|'", 'order_numbers.order_id']),
  }, **identity_clicks('events'))) }}
  from {{ ref('int_journeys_events_sessionized') }} as events
  left join order_numbers on events.transaction_id = order_numbers.order_id
  where {{ restated('events.event_date') }}

  union all
  {{ identity_record('events.event_date', 'events.occurred_at', dict({
    'client_key': 'events.client_key', 'user_id': 'events.user_id',
    'email_hash': 'events.email_hash', 'phone_hash': 'events.phone_hash',
    'order_key': dbt.concat(['order_numbers.only_shop_id', "'|'", 'order_numbers.order_id']),
  }, **identity_clicks('events', 'server_events'))) }}
  from {{ ref('stg_server__events') }} as events
  left join order_numbers on events.order_id = order_numbers.order_id
  where {{ restated('events.event_date') }}

  union all
  {{ identity_record('order_date', 'ordered_at', dict({
    'user_id': 'customer_id', 'email_hash': 'email_hash', 'phone_hash': 'phone_hash',
    'order_key': dbt.concat(['shop_id', "'|'", 'order_id']),
  }, **identity_clicks(landed_in='orders'))) }}
  from {{ ref('stg_shop__orders') }}
  where status != 'TEST' and {{ restated('order_date') }}

  union all
  {{ identity_record('created_date', 'created_at', dict({
    'email_hash': 'email_hash', 'phone_hash': 'phone_hash',
    'lead_key': dbt.concat(['crm', "'|'", 'account_id', "'|'", 'lead_id']),
  }, **identity_clicks(landed_in='crm_leads'))) }}
  from {{ ref('stg_crm__leads') }}
  where {{ restated('created_date') }}

  union all
  {{ identity_record('created_date', 'created_at', {
    'email_hash': 'email_hash',
    'lead_key': dbt.concat(['crm', "'|'", 'account_id', "'|'", 'lead_id']),
    'opportunity_key': dbt.concat(['crm', "'|'", 'account_id', "'|'", 'opportunity_id']),
  }) }}
  from {{ ref('stg_crm__opportunities') }}
  where {{ restated('created_date') }}
),

named as (
  select
    *,
    case
      when user_id is not null then 'user_id'
      when email_hash is not null then 'email_hash'
      when phone_hash is not null then 'phone_hash'
    end as name_type,
    coalesce(user_id, email_hash, phone_hash) as name_id
  from records
),

centred as (
  select
    *,
    case
      when client_key is not null then 'device'
      when name_id is not null then name_type
      when order_key is not null then 'order'
      when lead_key is not null then 'lead'
      else 'opportunity'
    end as centre_type,
    coalesce(client_key, name_id, order_key, lead_key, opportunity_key) as centre_id
  from named
),

kinds as (
  {% for column in kinds -%}
  select '{{ column }}' as kind {{ 'union all' if not loop.last }}
  {% endfor %}
),

-- One row a record and kind: cheaper than a union, whose every part some engine reads again.
spokes as (
  select
    centred.seen_date,
    centred.seen_at,
    case kinds.kind
      when 'client_key' then 'device'
      {% for column in ['user_id', 'email_hash', 'phone_hash'] -%}
      when '{{ column }}' then '{{ column }}'
      {% endfor -%}
      {% for column in clicks_and_documents -%}
      when '{{ column }}' then '{{ kinds[column] }}'
      {% endfor -%}
    end as left_type,
    case kinds.kind
      {% for column in kinds -%}
      when '{{ column }}' then centred.{{ column }}
      {% endfor -%}
    end as left_id,
    case
      when kinds.kind = 'client_key' then coalesce(centred.name_type, 'device')
      when kinds.kind in ('user_id', 'email_hash', 'phone_hash') then centred.name_type
      else centred.centre_type
    end as right_type,
    case
      when kinds.kind = 'client_key' then coalesce(centred.name_id, centred.client_key)
      when kinds.kind in ('user_id', 'email_hash', 'phone_hash') then centred.name_id
      else centred.centre_id
    end as right_id
  from centred
  cross join kinds
)

select
  seen_date,
  left_type,
  left_id,
  right_type,
  right_id,
  min(seen_at) as first_seen_at,
  max(seen_at) as last_seen_at,
  count(*) as observations
from spokes
where left_id is not null and right_id is not null
group by seen_date, left_type, left_id, right_type, right_id
