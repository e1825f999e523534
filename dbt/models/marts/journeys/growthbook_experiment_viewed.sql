{{ config(materialized='view') }}
-- Views of experiments by the names that GrowthBook's assignment queries read (docs/growthbook.md): a
-- row a view, as it finds the first ones and people with several variations itself.
select
  views.property_id,
  coalesce(identity_map.person_id, views.client_key) as user_id,
  views.client_key as anonymous_id,
  views.event_at as timestamp,
  views.experiment_id,
  views.variation_id,
  views.device_category as device,
  views.country
from {{ ref('stg_ga4__experiment_views') }} as views
left join {{ ref('identity_map') }} as identity_map
  on identity_map.node_type = 'device' and views.client_key = identity_map.node_id
