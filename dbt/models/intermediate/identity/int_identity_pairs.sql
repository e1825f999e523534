-- Identifiers that were ever seen together, both ways round: a node and its neighbour.
with pairs as (
  select
    left_type,
    left_id,
    right_type,
    right_id,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at,
    {{ sum_int('observations') }} as observations
  from {{ ref('int_identity_sightings') }}
  where left_type != right_type or left_id != right_id
  group by left_type, left_id, right_type, right_id
)

select
  left_type as node_type,
  left_id as node_id,
  right_type as neighbour_type,
  right_id as neighbour_id,
  first_seen_at,
  last_seen_at,
  observations
from pairs
union all
select
  right_type,
  right_id,
  left_type,
  left_id,
  first_seen_at,
  last_seen_at,
  observations
from pairs
