-- GA4 events with their parameters as columns, as landed. A repeated event_key is the export's own
-- and is still here: dropping it takes a window over all rows, so the tables by day do it.
with extracted as (
  select
    property_id,
    event_date,
    event_timestamp,
    event_name,
    event_key,
    user_id,
    {{ real_id('user_pseudo_id') }} as user_pseudo_id,
    stream_id,
    batch_page_id,
    batch_ordering_id,
    batch_event_index,
    {{ event_param('ga_session_id', 'int_value') }} as ga_session_id,
    {{ event_param('ga_session_number', 'int_value') }} as ga_session_number,
    {{ event_param('engagement_time_msec', 'int_value') }} as engagement_time_msec,
    {{ event_param('page_location', 'string_value') }} as page_location,
    {{ event_param('page_referrer', 'string_value') }} as page_referrer,
    coalesce(
      collected_traffic_source.manual_source, {{ event_param('source', 'string_value') }}
    ) as tagged_source,
    coalesce(
      collected_traffic_source.manual_medium, {{ event_param('medium', 'string_value') }}
    ) as tagged_medium,
    coalesce(
      collected_traffic_source.manual_campaign_name, {{ event_param('campaign', 'string_value') }}
    ) as campaign,
    nullif({{ trimmed('collected_traffic_source.manual_campaign_id') }}, '') as campaign_id,
    {{ real_id('gclid') }} as collected_gclid,
    {{ real_id('wbraid') }} as wbraid,
    {{ real_id('gbraid') }} as gbraid,
    {{ real_id('dclid') }} as dclid,
    session_traffic_source_last_click.manual_campaign.source as session_tagged_source,
    session_traffic_source_last_click.manual_campaign.medium as session_tagged_medium,
    session_traffic_source_last_click.manual_campaign.campaign_name as session_campaign,
    session_traffic_source_last_click.manual_campaign.campaign_id as session_campaign_id,
    session_traffic_source_last_click.google_ads_campaign.customer_id
      as session_google_ads_account_id,
    session_traffic_source_last_click.google_ads_campaign.campaign_id
      as session_google_ads_campaign_id,
    privacy_info.ads_storage,
    device.category as device_category,
    device.web_info.browser,
    device.operating_system,
    geo.country,
    geo.region,
    {{ real_id(trimmed('ecommerce.transaction_id')) }} as transaction_id,
    {{ to_micros('ecommerce.purchase_revenue') }} as purchase_revenue_micros,
    upper({{ event_param('currency', 'string_value') }}) as currency_code,
    _run_id as run_id
  from {{ source('raw', 'ga4_events') }}
),

keyed as (
  select
    *,
    case
      when user_pseudo_id is not null then {{ surrogate_key(['user_pseudo_id']) }}
    end as client_key,
    -- Whoever refused ads_storage has no click id, in whichever address one is left.
    case when coalesce(ads_storage, '') != 'No' then page_location end as click_location
  from extracted
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
      then {{ surrogate_key(['property_id', 'client_key', 'ga_session_id']) }}
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
  {{ traffic_source('tagged_source') }} as source,
  {{ traffic_medium('tagged_medium') }} as medium,
  campaign,
  campaign_id,
  coalesce(
    collected_gclid,
    {{ real_id(extract_group('click_location', '[?&]gclid=([^&#]+)')) }}
  ) as gclid,
  wbraid,
  gbraid,
  dclid,
  {%- for name in click_ids_not_in('ga4_events') %}
  {{ real_id(extract_group('click_location', '[?&]' ~ name ~ '=([^&#]+)')) }} as {{ name }},
  {%- endfor %}
  {{ traffic_source('session_tagged_source') }} as session_source,
  {{ traffic_medium('session_tagged_medium') }} as session_medium,
  session_campaign,
  session_campaign_id,
  session_google_ads_account_id,
  session_google_ads_campaign_id,
  device_category,
  browser,
  operating_system,
  country,
  region,
  transaction_id,
  purchase_revenue_micros,
  currency_code,
  run_id
from keyed
