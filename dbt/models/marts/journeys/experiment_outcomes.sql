{{ config(materialized='view') }}
-- What people did after they first saw an experiment: each kind of event, and when it came first.
select
  exposures.experiment_id,
  exposures.person_id,
  happened.event_name,
  min(happened.event_at) as first_at,
  count(*) as events
from {{ ref('int_journeys_events_sessionized') }} as happened
left join {{ ref('identity_map') }} as identity_map
  on identity_map.node_type = 'device' and happened.client_key = identity_map.node_id
inner join {{ ref('experiment_exposures') }} as exposures
  on
  exposures.person_id = coalesce(identity_map.person_id, happened.client_key)
  and happened.event_at > exposures.exposed_at
where happened.event_name <> 'experiment_viewed'
group by exposures.experiment_id, exposures.person_id, happened.event_name
