{{ config(materialized='view') }}
-- Identifiers with evidence for more than one person, such as a device that two people signed in on: a
-- row for each of those people.
with evidence as (
  select
    shown.node_type,
    shown.node_id,
    names.person_id,
    min(shown.first_seen_at) as first_seen_at,
    max(shown.last_seen_at) as last_seen_at,
    {{ sum_int('shown.observations') }} as observations
  from {{ ref('int_identity_neighbours') }} as shown
  inner join {{ ref('identity_skipped') }} as skipped
    on shown.node_type = skipped.node_type and shown.node_id = skipped.node_id
  inner join {{ ref('identity_map') }} as names
    on shown.neighbour_type = names.node_type and shown.neighbour_id = names.node_id
  where shown.neighbour_type != 'device'
  group by shown.node_type, shown.node_id, names.person_id
),

counted as (
  select *, count(*) over (partition by node_type, node_id) as persons_seen
  from evidence
)

select
  counted.node_type,
  counted.node_id,
  counted.person_id,
  counted.person_id = identity_map.person_id as is_chosen,
  counted.persons_seen,
  counted.observations,
  counted.first_seen_at,
  counted.last_seen_at
from counted
inner join {{ ref('identity_map') }} as identity_map
  on counted.node_type = identity_map.node_type and counted.node_id = identity_map.node_id
where counted.persons_seen > 1
