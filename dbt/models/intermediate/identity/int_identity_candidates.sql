{{ config(materialized='table') }}
-- Every person a node may belong to, with the evidence. `priority` 1 is the strongest; 9 is the node
-- standing for itself, which every node that can name a person has.
with device_identifiers as (
  select * from {{ ref('int_identity_device_identifiers') }}
),

orders as (
  select * from {{ ref('int_identity_orders') }}
),

order_clicks as (
  {% for node_type in ['gclid', 'fbclid', 'ttclid'] %}
  select
    '{{ node_type }}' as node_type,
    {{ node_type }} as node_id,
    person_id,
    min(ordered_at) as first_seen_at,
    max(ordered_at) as last_seen_at,
    count(*) as observations
  from orders
  where {{ node_type }} is not null and person_id is not null
  group by {{ node_type }}, person_id
  {% if not loop.last %}union all{% endif %}
  {% endfor %}
),

users as (
  select node_id as user_id, first_seen_at, last_seen_at, observations
  from device_identifiers
  where node_type = 'user_id'
  union all
  select customer_id, ordered_at, ordered_at, 1
  from orders
  where customer_id is not null
),

user_candidates as (
  select
    'user_id' as node_type,
    user_id as node_id,
    {{ person_key("'user_id'", 'user_id') }} as person_id,
    'user_id' as method,
    9 as priority,
    1.0 as weight,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at,
    {{ sum_int('observations') }} as observations
  from users
  group by user_id
),

email_candidates as (
  select
    'email_hash' as node_type,
    email_hash as node_id,
    case
      when customer_id is not null then {{ person_key("'user_id'", 'customer_id') }}
      else {{ person_key("'email_hash'", 'email_hash') }}
    end as person_id,
    case when customer_id is not null then 'user_id' else 'email_hash' end as method,
    case when customer_id is not null then 1 else 9 end as priority,
    case when customer_id is not null then 0.95 else 1.0 end as weight,
    min(ordered_at) as first_seen_at,
    max(ordered_at) as last_seen_at,
    count(*) as observations
  from orders
  where email_hash is not null
  group by email_hash, customer_id
),

device_user_candidates as (
  select
    'device' as node_type,
    client_key as node_id,
    {{ person_key("'user_id'", 'node_id') }} as person_id,
    'user_id' as method,
    1 as priority,
    0.95 as weight,
    first_seen_at,
    last_seen_at,
    observations
  from device_identifiers
  where node_type = 'user_id'
),

device_click_candidates as (
  select
    'device' as node_type,
    devices.client_key as node_id,
    order_clicks.person_id,
    'click_id' as method,
    2 as priority,
    0.7 as weight,
    min(devices.first_seen_at) as first_seen_at,
    max(order_clicks.last_seen_at) as last_seen_at,
    {{ sum_int('order_clicks.observations') }} as observations
  from device_identifiers as devices
  inner join order_clicks
    on devices.node_type = order_clicks.node_type and devices.node_id = order_clicks.node_id
  group by devices.client_key, order_clicks.person_id
),

device_own_candidates as (
  select
    'device' as node_type,
    client_key as node_id,
    {{ person_key("'device'", 'client_key') }} as person_id,
    'device' as method,
    9 as priority,
    1.0 as weight,
    min(event_at) as first_seen_at,
    max(event_at) as last_seen_at,
    count(*) as observations
  from {{ ref('int_journeys_events_sessionized') }}
  group by client_key
),

click_candidates as (
  select
    node_type,
    node_id,
    person_id,
    'order' as method,
    1 as priority,
    0.9 as weight,
    first_seen_at,
    last_seen_at,
    observations
  from order_clicks
)

{% for candidates in [
  'user_candidates', 'email_candidates', 'device_user_candidates', 'device_click_candidates',
  'device_own_candidates', 'click_candidates'
] %}
select
  node_type,
  node_id,
  person_id,
  method,
  priority,
  cast(weight as {{ type_float64() }}) as weight,
  first_seen_at,
  last_seen_at,
  observations
from {{ candidates }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
