{%- set followers = ['int_journeys_conversion_touches', 'int_journeys_path_steps'] -%}
{%- set before = [lag_days(), 2 * lookback_days()] | max + 1 -%}
{{ config(
  materialized='table', cluster_by=['node_type', 'node_id'], post_hook='{{ remember_build() }}'
) }}
-- Whose the identifiers are, as known now, that touches and conversions hang on; of the days that
-- followers of journeys read in this run, so that identity_map is read once for all of them.
with nodes as (
  select person_node_type as node_type, person_node_id as node_id
  from {{ ref('int_journeys_touchpoints') }}
  where {{ restated_since(followers, 'touch_date', before=before, after=1) }}
  union distinct
  select person_node_type, person_node_id
  from {{ ref('int_journeys_conversions') }}
  where {{ restated_since(followers, 'conversion_date') }}
)

select identity_map.node_type, identity_map.node_id, identity_map.person_id
from {{ ref('identity_map') }} as identity_map
inner join nodes
  on identity_map.node_type = nodes.node_type and identity_map.node_id = nodes.node_id
