{{ config(cluster_by=['node_type', 'node_id']) }}
-- One person for every identifier that was seen: the strongest method wins, then the latest sighting.
with ranked as (
  select
    node_type,
    node_id,
    person_id,
    method,
    weight,
    observations,
    sum(observations) over (partition by node_type, node_id, priority) as all_observations,
    row_number() over (
      partition by node_type, node_id
      order by priority, last_seen_at desc, person_id
    ) as preference
  from {{ ref('int_identity_candidates') }}
)

select
  node_type,
  node_id,
  person_id,
  method,
  round(weight * observations / all_observations, 4) as confidence
from ranked
where preference = 1
