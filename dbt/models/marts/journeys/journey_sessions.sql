{{ config(partition_by=daily_partitions('session_date'), cluster_by=['client_key']) }}
-- Sessions of known devices, with where they came from and whose they are.
with events as (
  select
    *,
    -- The session's source is that of its first event that names one.
    row_number() over (
      partition by client_key, session_number
      order by
        case when coalesce(source, medium, gclid, fbclid, ttclid) is null then 1 else 0 end,
        event_number
    ) as source_preference
  from {{ ref('int_journeys_events_sessionized') }}
),

sessions as (
  select
    client_key,
    session_number,
    {% for column in ['property_id', 'event_date', 'session_key', 'ga_session_id', 'event_timestamp',
                      'page_location', 'page_referrer', 'device_category', 'country'] %}
    max(case when event_number = 1 then {{ column }} end) as {{ column }},
    {% endfor %}
    {% for column in ['source', 'medium', 'campaign', 'gclid', 'fbclid', 'ttclid'] %}
    max(case when source_preference = 1 then {{ column }} end) as {{ column }},
    {% endfor %}
    min(event_at) as start_tstamp,
    max(event_at) as end_tstamp,
    {{ sum_int('coalesce(engagement_time_msec, 0)') }} as engaged_msec,
    count(*) as events,
    {{ count_where("event_name = 'page_view'") }} as page_views,
    {{ count_where("event_name = 'first_visit'") }} as first_visits,
    {{ count_where("event_name = 'purchase'") }} as purchases,
    {{ sum_int("case when event_name = 'purchase' then coalesce(purchase_revenue_micros, 0) else 0 end") }}
      as purchase_revenue_micros
  from events
  group by client_key, session_number
)

select
  {{ surrogate_key(['sessions.client_key', 'sessions.event_timestamp']) }} as session_id,
  sessions.property_id,
  sessions.client_key,
  identity_map.person_id,
  sessions.session_number,
  sessions.session_key,
  sessions.ga_session_id,
  sessions.event_date as session_date,
  sessions.start_tstamp,
  sessions.end_tstamp,
  cast(sessions.engaged_msec as {{ type_float64() }}) / 1000 as engaged_time_in_s,
  sessions.engaged_msec >= 10000 or sessions.page_views >= 2 or sessions.purchases > 0 as is_engaged,
  sessions.events,
  sessions.page_views,
  sessions.first_visits > 0 as is_first_visit,
  sessions.purchases,
  sessions.purchase_revenue_micros,
  sessions.page_location as landing_page,
  sessions.page_referrer as refr_url,
  sessions.source as mkt_source,
  sessions.medium as mkt_medium,
  sessions.campaign as mkt_campaign,
  sessions.gclid,
  sessions.fbclid,
  sessions.ttclid,
  coalesce(sessions.gclid, sessions.ttclid, sessions.fbclid) as mkt_clickid,
  {{ default_channel_group('sessions.source', 'sessions.medium', 'sessions.gclid', 'sessions.ttclid') }}
    as default_channel_group,
  {{ ad_platform('sessions.source', 'sessions.medium', 'sessions.gclid', 'sessions.ttclid') }}
    as ad_platform,
  sessions.device_category,
  sessions.country
from sessions
left join {{ ref('identity_map') }} as identity_map
  on identity_map.node_type = 'device' and sessions.client_key = identity_map.node_id
