{{ config(materialized='table', cluster_by=['node_type', 'node_id']) }}
-- Identifiers that tie nobody together, and why: blocked by hand, or seen with more devices or names than
-- one person has. Whoever wonders why two records are not one person looks here.
{% set limits = identity_limits() %}
with devices as (
  select node_type, node_id, count(*) as devices
  from {{ ref('int_identity_pairs') }}
  where neighbour_type = 'device'
  group by node_type, node_id
),

names_by_kind as (
  select node_type, node_id, name_type, count(*) as names
  from {{ ref('int_identity_names_shown') }}
  group by node_type, node_id, name_type
),

names as (
  select node_type, node_id, max(names) as names
  from names_by_kind
  group by node_type, node_id
),

counted as (
  select
    nodes.node_type,
    nodes.node_id,
    coalesce(devices.devices, 0) as devices,
    coalesce(names.names, 0) as names
  from (
    select node_type, node_id from devices
    union distinct
    select node_type, node_id from names
  ) as nodes
  left join devices on nodes.node_type = devices.node_type and nodes.node_id = devices.node_id
  left join names on nodes.node_type = names.node_type and nodes.node_id = names.node_id
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
)

select
  node_type,
  node_id,
  case
    when is_blocked then 'blocked'
    when names > names_limit and node_type = 'device' then 'shared_device'
    when names > names_limit then 'too_many_names'
    else 'too_many_devices'
  end as reason,
  devices,
  names,
  devices_limit,
  names_limit
from limited
where is_blocked or devices > devices_limit or names > names_limit
