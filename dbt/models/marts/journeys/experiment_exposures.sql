{{ config(materialized='view') }}
-- When each person first saw an experiment, and what was known of them before. People become known
-- later, so this is a view. Whoever saw several variations counts them, and belongs to none.
with views as (
  select
    shown.experiment_id,
    shown.variation_id,
    shown.client_key,
    shown.event_at,
    shown.device_category,
    shown.country,
    coalesce(identity_map.person_id, shown.client_key) as person_id
  from {{ ref('stg_ga4__experiment_views') }} as shown
  left join {{ ref('identity_map') }} as identity_map
    on identity_map.node_type = 'device' and shown.client_key = identity_map.node_id
),

counted as (
  select experiment_id, person_id, count(distinct variation_id) as variations
  from views
  group by experiment_id, person_id
),

firsts as (
  select *
  from views
  where true
  qualify row_number() over (
    partition by experiment_id, person_id
    order by event_at, client_key, variation_id
  ) = 1
),

visits as (
  select
    firsts.experiment_id,
    firsts.person_id,
    sessions.default_channel_group,
    sessions.purchases,
    sessions.end_tstamp < firsts.event_at as is_earlier,
    row_number() over (
      partition by firsts.experiment_id, firsts.person_id
      order by sessions.start_tstamp desc, sessions.session_id
    ) as recency
  from firsts
  inner join {{ ref('journey_sessions') }} as sessions
    on
    firsts.person_id = coalesce(sessions.person_id, sessions.client_key)
    and firsts.event_at >= sessions.start_tstamp
),

history as (
  select
    experiment_id,
    person_id,
    {{ count_where('is_earlier') }} as earlier_sessions,
    {{ sum_int('case when is_earlier then purchases else 0 end') }} as earlier_orders,
    max(case when recency = 1 then default_channel_group end) as default_channel_group
  from visits
  group by experiment_id, person_id
)

select
  firsts.experiment_id,
  firsts.person_id,
  case when counted.variations = 1 then firsts.variation_id end as variation_id,
  counted.variations,
  firsts.client_key,
  firsts.event_at as exposed_at,
  firsts.device_category,
  firsts.country,
  history.default_channel_group,
  coalesce(history.earlier_sessions, 0) > 0 as is_returning,
  coalesce(history.earlier_sessions, 0) as earlier_sessions,
  coalesce(history.earlier_orders, 0) as earlier_orders
from firsts
inner join counted
  on firsts.experiment_id = counted.experiment_id and firsts.person_id = counted.person_id
left join history
  on firsts.experiment_id = history.experiment_id and firsts.person_id = history.person_id
