{{ config(cluster_by=['node_type', 'node_id']) }}
-- Identifiers with evidence for more than one person, such as a device two people signed in on: a row
-- for each of those people.
with candidates as (
  select
    node_type,
    node_id,
    person_id,
    min(priority) as priority,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at,
    {{ sum_int('observations') }} as observations
  from {{ ref('int_identity_candidates') }}
  where priority < 9
  group by node_type, node_id, person_id
),

counted as (
  select *, count(*) over (partition by node_type, node_id) as persons_seen
  from candidates
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
