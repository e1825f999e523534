{{ config(materialized='table', cluster_by=['node_type', 'node_id']) }}
-- The names that an identifier was seen with: beside it, or one step on, as the customer of an order
-- that a device placed. One step on is looked at for devices and clicks.
with pairs as (
  select * from {{ ref('int_identity_pairs') }}
),

shown as (
  select
    node_type,
    node_id,
    neighbour_type as name_type,
    neighbour_id as name_id,
    first_seen_at,
    last_seen_at,
    observations
  from pairs
  where neighbour_type in ('user_id', 'email_hash', 'phone_hash')
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
    and pairs.neighbour_type not in ('user_id', 'email_hash', 'phone_hash')
    and onward.neighbour_type in ('user_id', 'email_hash', 'phone_hash')
)

select
  node_type,
  node_id,
  name_type,
  name_id,
  min(first_seen_at) as first_seen_at,
  max(last_seen_at) as last_seen_at,
  {{ sum_int('observations') }} as observations
from shown
group by node_type, node_id, name_type, name_id
