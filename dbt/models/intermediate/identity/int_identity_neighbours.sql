-- What tells whose an identifier is: the devices it was seen with, and the names; a name beside it, or
-- one step on, as the customer of an order that a device placed. One step on is looked at for devices
-- and clicks.
{% set names = "('user_id', 'email_hash', 'phone_hash')" %}
with pairs as (
  select * from {{ ref('int_identity_pairs') }}
),

shown as (
  select *
  from pairs
  where neighbour_type = 'device' or neighbour_type in {{ names }}
  union all
  select
    pairs.node_type,
    pairs.node_id,
    onward.neighbour_type,
    onward.neighbour_id,
    pairs.first_seen_at,
    pairs.last_seen_at,
    pairs.observations
  from pairs
  inner join pairs as onward
    on pairs.neighbour_type = onward.node_type and pairs.neighbour_id = onward.node_id
  where
    pairs.node_type not in ('user_id', 'email_hash', 'phone_hash', 'order', 'lead', 'opportunity')
    and pairs.neighbour_type not in {{ names }}
    and onward.neighbour_type in {{ names }}
)

select
  node_type,
  node_id,
  neighbour_type,
  neighbour_id,
  min(first_seen_at) as first_seen_at,
  max(last_seen_at) as last_seen_at,
  {{ sum_int('observations') }} as observations
from shown
group by node_type, node_id, neighbour_type, neighbour_id
