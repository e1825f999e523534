{{ config(materialized='table', cluster_by=['node_type', 'node_id']) }}
-- Identifiers that tie nobody together, and why: blocked by hand, or seen with more devices or names than
-- one person has. Whoever wonders why two records are not one person looks here. A device that several
-- people signed in on is given to whoever was seen on it last.
{% set limits = identity_limits() %}
with neighbours as (
  select * from {{ ref('int_identity_neighbours') }}
),

kinds as (
  select node_type, node_id, neighbour_type, count(*) as neighbours
  from neighbours
  group by node_type, node_id, neighbour_type
),

counted as (
  select
    node_type,
    node_id,
    max(case when neighbour_type = 'device' then neighbours else 0 end) as devices,
    max(case when neighbour_type != 'device' then neighbours else 0 end) as names
  from kinds
  group by node_type, node_id
),

limited as (
  select
    *,
    cast(case node_type
      {% for node_type, limit in limits.items() if limit['devices'] is not none -%}
      when '{{ node_type }}' then {{ limit['devices'] }}
      {% endfor -%}
    end as {{ dbt.type_bigint() }}) as devices_limit,
    cast(case node_type
      {% for node_type, limit in limits.items() if limit['names'] is not none -%}
      when '{{ node_type }}' then {{ limit['names'] }}
      {% endfor -%}
    end as {{ dbt.type_bigint() }}) as names_limit,
    {% set blocked = var('identity_blocked', {}) -%}
    case node_type
      {% for node_type, values in blocked.items() if values -%}
      when '{{ node_type }}' then node_id in ('{{ values | join("', '") }}')
      {% endfor -%}
      when '' then true
      else false
    end as is_blocked
  from counted
),

skipped as (
  select
    *,
    case
      when is_blocked then 'blocked'
      when names > names_limit and node_type = 'device' then 'shared_device'
      when names > names_limit then 'too_many_names'
      else 'too_many_devices'
    end as reason
  from limited
  where is_blocked or devices > devices_limit or names > names_limit
),

last_names as (
  select
    shown.node_type,
    shown.node_id,
    shown.neighbour_type,
    shown.neighbour_id,
    {{ safe_divide(
      'shown.observations', 'sum(shown.observations) over (partition by shown.node_id)'
    ) }} as share,
    row_number() over (
      partition by shown.node_id
      order by shown.last_seen_at desc, shown.neighbour_type desc, shown.neighbour_id
    ) as recency
  from neighbours as shown
  inner join skipped
    on skipped.reason = 'shared_device'
    and shown.node_type = skipped.node_type
    and shown.node_id = skipped.node_id
  where shown.neighbour_type != 'device'
)

select
  skipped.node_type,
  skipped.node_id,
  skipped.reason,
  skipped.devices,
  skipped.names,
  skipped.devices_limit,
  skipped.names_limit,
  last_names.neighbour_type as last_name_type,
  last_names.neighbour_id as last_name_id,
  last_names.share as last_name_share
from skipped
left join last_names
  on last_names.recency = 1
  and skipped.node_type = last_names.node_type
  and skipped.node_id = last_names.node_id
