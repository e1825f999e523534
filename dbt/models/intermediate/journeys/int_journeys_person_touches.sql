-- Touches with their person as known now, and the key that a journey is followed by; of the days for
-- which int_journeys_persons knows whose they are.
select
  touches.*,
  persons.person_id,
  coalesce(persons.person_id, touches.person_node_id) as journey_key
from {{ ref('int_journeys_touchpoints') }} as touches
left join {{ ref('int_journeys_persons') }} as persons
  on touches.person_node_type = persons.node_type and touches.person_node_id = persons.node_id
