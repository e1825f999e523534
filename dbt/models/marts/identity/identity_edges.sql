{{ config(materialized='table', cluster_by=['left_type', 'right_type']) }}
-- What ties identifiers to one person: pairs that were seen together, less those of identifiers that are
-- nobody's in particular (identity_skipped). What is tied to nothing has an edge to itself.
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
  group by left_type, left_id, right_type, right_id
),

skipped as (
  select node_type, node_id from {{ ref('identity_skipped') }}
),

marked as (
  select
    pairs.*,
    skipped_left.node_id is not null or skipped_right.node_id is not null as is_skipped
  from pairs
  left join skipped as skipped_left
    on pairs.left_type = skipped_left.node_type and pairs.left_id = skipped_left.node_id
  left join skipped as skipped_right
    on pairs.right_type = skipped_right.node_type and pairs.right_id = skipped_right.node_id
),

-- A skipped pair leaves its two ends, each for itself.
ends as (
  select
    left_type,
    left_id,
    case when is_skipped then left_type else right_type end as right_type,
    case when is_skipped then left_id else right_id end as right_id,
    first_seen_at,
    last_seen_at,
    observations
  from marked
  union all
  select
    right_type as left_type,
    right_id as left_id,
    right_type,
    right_id,
    first_seen_at,
    last_seen_at,
    observations
  from marked
  where is_skipped
)

select
  left_type,
  left_id,
  right_type,
  right_id,
  min(first_seen_at) as first_seen_at,
  max(last_seen_at) as last_seen_at,
  {{ sum_int('observations') }} as observations
from ends
group by left_type, left_id, right_type, right_id
