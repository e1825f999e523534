{{ config(materialized='view') }}
-- One person for every identifier that was seen. The ids of persons are those of identity_components; a
-- shared device is given to whoever was seen on it last.
with nodes as (
  select
    {{ identity_node_type('node') }} as node_type,
    {{ identity_node_id('node') }} as node_id,
    component_id,
    first_seen_at
  from {{ ref('identity_components') }}
),

shared as (
  select devices.client_key, devices.share, nodes.component_id
  from {{ ref('int_identity_shared_devices') }} as devices
  inner join nodes
    on devices.name_type = nodes.node_type and devices.name_id = nodes.node_id
)

select
  nodes.node_type,
  nodes.node_id,
  coalesce(shared.component_id, nodes.component_id) as person_id,
  case when shared.client_key is null then 'own' else 'last_seen_on' end as method,
  coalesce(shared.share, 1.0) as confidence,
  nodes.first_seen_at
from nodes
left join shared on nodes.node_type = 'device' and nodes.node_id = shared.client_key
