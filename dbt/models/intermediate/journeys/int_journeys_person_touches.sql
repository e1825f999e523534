-- Touches with their person as known now, and the key that a journey is followed by. The map is
-- named once: an engine that keeps a CTE that is used twice reads it once.
with persons as (
  select node_type, node_id, person_id from {{ ref('identity_map') }}
)

select
  touches.*,
  coalesce(named.person_id, fallback.person_id) as person_id,
  coalesce(named.person_id, fallback.person_id, touches.person_node_id) as journey_key
from {{ ref('int_journeys_touchpoints') }} as touches
left join persons as named
  on touches.person_node_type = named.node_type and touches.person_node_id = named.node_id
left join persons as fallback
  on touches.fallback_node_type = fallback.node_type
  and touches.fallback_node_id = fallback.node_id
