-- A device that several people signed in on, with the one it is given to: whoever was seen on it last.
with names as (
  select
    shown.node_id as client_key,
    shown.name_type,
    shown.name_id,
    shown.observations,
    sum(shown.observations) over (partition by shown.node_id) as all_observations,
    row_number() over (
      partition by shown.node_id
      order by shown.last_seen_at desc, shown.name_type desc, shown.name_id
    ) as recency
  from {{ ref('int_identity_names_shown') }} as shown
  inner join {{ ref('identity_skipped') }} as skipped
    on
      skipped.node_type = 'device'
      and skipped.reason = 'shared_device'
      and shown.node_type = skipped.node_type
      and shown.node_id = skipped.node_id
)

select
  client_key,
  name_type,
  name_id,
  cast(observations as {{ type_float64() }}) / all_observations as share
from names
where recency = 1
