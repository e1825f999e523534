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
  select skipped.node_id as client_key, skipped.last_name_share, nodes.component_id
  from {{ ref('identity_skipped') }} as skipped
  inner join nodes
    on skipped.last_name_type = nodes.node_type and skipped.last_name_id = nodes.node_id
  where skipped.reason = 'shared_device'
)

select
  nodes.node_type,
  nodes.node_id,
  coalesce(shared.component_id, nodes.component_id) as person_id,
  case when shared.client_key is null then 'own' else 'last_seen_on' end as method,
  coalesce(shared.last_name_share, 1.0) as confidence,
  nodes.first_seen_at
from nodes
left join shared
  on case when nodes.node_type = 'device' then nodes.node_id end = shared.client_key
