-- GA4 events with their parameters as columns, each event once.
with extracted as (
  select
    property_id,
    event_date,
    event_timestamp,
    event_name,
    event_key,
    user_id,
    user_pseudo_id,
    stream_id,
    batch_page_id,
    batch_ordering_id,
    batch_event_index,
    {{ event_param('ga_session_id', 'int_value') }} as ga_session_id,
    {{ event_param('ga_session_number', 'int_value') }} as ga_session_number,
    {{ event_param('engagement_time_msec', 'int_value') }} as engagement_time_msec,
    {{ event_param('page_location', 'string_value') }} as page_location,
    {{ event_param('page_referrer', 'string_value') }} as page_referrer,
    lower(coalesce(
      collected_traffic_source.manual_source, {{ event_param('source', 'string_value') }}
    )) as source,
    lower(coalesce(
      collected_traffic_source.manual_medium, {{ event_param('medium', 'string_value') }}
    )) as medium,
    coalesce(
      collected_traffic_source.manual_campaign_name, {{ event_param('campaign', 'string_value') }}
    ) as campaign,
    coalesce(
      collected_traffic_source.gclid, {{ event_param('gclid', 'string_value') }}
    ) as collected_gclid,
    device.category as device_category,
    geo.country as country,
    ecommerce.transaction_id as transaction_id,
    {{ to_micros('ecommerce.purchase_revenue') }} as purchase_revenue_micros,
    _run_id as run_id
  from {{ source('raw', 'ga4_events') }}
),

-- Landing replaces whole days, so a repeated key comes from the export itself.
deduplicated as (
  select *
  from extracted
  where true
  qualify row_number() over (
    partition by property_id, event_date, event_key
    order by run_id, event_timestamp
  ) = 1
),

keyed as (
  select
    *,
    case
      when user_pseudo_id is not null
        then {{ surrogate_key(['property_id', 'stream_id', 'user_pseudo_id']) }}
    end as client_key
  from deduplicated
)

select
  property_id,
  event_date,
  event_timestamp,
  {{ instant_from_micros('event_timestamp') }} as event_at,
  event_name,
  event_key,
  client_key,
  case
    when ga_session_id is not null and client_key is not null
      then {{ surrogate_key(['client_key', 'ga_session_id']) }}
  end as session_key,
  user_id,
  user_pseudo_id,
  stream_id,
  batch_page_id,
  batch_ordering_id,
  batch_event_index,
  ga_session_id,
  ga_session_number,
  engagement_time_msec,
  page_location,
  page_referrer,
  source,
  medium,
  campaign,
  coalesce(
    collected_gclid, {{ extract_group('page_location', '[?&]gclid=([^&#]+)') }}
  ) as gclid,
  {{ extract_group('page_location', '[?&]fbclid=([^&#]+)') }} as fbclid,
  {{ extract_group('page_location', '[?&]ttclid=([^&#]+)') }} as ttclid,
  device_category,
  country,
  transaction_id,
  purchase_revenue_micros,
  run_id
from keyed
