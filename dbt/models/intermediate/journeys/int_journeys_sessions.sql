{{ config(by_day(
  'session_date', ['raw.ga4_events', moved_transactions()], before=1, after=1,
  cluster_by=['client_key']
)) }}
-- Sessions of known devices by the day they began on, with where they came from. A purchase that is
-- sent again is none.
{%- set paid = "is_purchase and purchase_revenue_micros != 0" %}
{%- set revenue = "case when is_purchase then purchase_revenue_micros else 0 end" %}
with events as (
  select
    events.*,
    events.event_name = 'purchase' and not {{ is_sent_again('events', 'transactions') }}
      as is_purchase,
    -- The session's source is that of its first event that names one.
    row_number() over (
      partition by events.session_id
      order by
        case
          when
            coalesce(events.{{ (['source', 'medium'] + click_ids()) | join(', events.') }})
            is null then 1
          else 0
        end,
        events.event_number
    ) as source_preference
  from {{ ref('int_journeys_events_sessionized') }} as events
  {{ join_transactions('events') }}
  where
    {{ restated('events.event_date', after=1) }}
    and {{ restated('events.session_date') }}
),

sessions as (
  select
    session_id,
    client_key,
    session_date,
    {% for column in ['property_id', 'session_key', 'ga_session_id', 'ga_session_number',
                      'page_location', 'page_referrer', 'device_category', 'browser',
                      'operating_system', 'country', 'region'] %}
    max(case when event_number = 1 then {{ column }} end) as {{ column }},
    {% endfor %}
    {% for column in ['source', 'medium', 'campaign', 'campaign_id',
                      'session_google_ads_account_id', 'session_google_ads_campaign_id'] + click_ids() %}
    max(case when source_preference = 1 then {{ column }} end) as {{ column }},
    {% endfor %}
    min(event_at) as start_tstamp,
    max(event_at) as end_tstamp,
    {{ sum_int('coalesce(engagement_time_msec, 0)') }} as engaged_msec,
    count(*) as events,
    {{ count_where("event_name = 'page_view'") }} as page_views,
    {{ count_where("event_name = 'first_visit'") }} as first_visits,
    {{ count_where('is_purchase') }} as purchases,
    {{ count_where('is_purchase and purchase_revenue_micros is null') }} as unvalued_purchases,
    case
      when {{ is_one_currency('currency_code', paid) }}
        then
          {{ if_all_known(revenue, sum_int(revenue)) }}
    end as purchase_revenue_micros,
    {{ one_currency('currency_code', paid) }} as purchase_currency_code
  from events
  group by session_id, client_key, session_date
),

placed as (
  select sessions.*, sites.category as site_category
  from sessions
  {{ join_site('sessions.source') }}
)

select
  session_id,
  property_id,
  client_key,
  session_key,
  ga_session_id,
  ga_session_number,
  session_date,
  start_tstamp,
  end_tstamp,
  cast(engaged_msec as {{ type_float64() }}) / 1000 as engaged_time_in_s,
  engaged_msec >= 10000 or page_views >= 2 or purchases > 0 as is_engaged,
  events,
  page_views,
  first_visits > 0 as is_first_visit,
  purchases,
  unvalued_purchases,
  purchase_revenue_micros,
  purchase_currency_code,
  page_location as landing_page,
  page_referrer as refr_url,
  source as mkt_source,
  medium as mkt_medium,
  campaign as mkt_campaign,
  campaign_id as mkt_campaign_id,
  {{ click_ids() | join(',\n  ') }},
  {{ first_click_of(click_ids()) }} as mkt_clickid,
  {{ default_channel_group('source', 'medium', 'campaign', 'site_category', 'placed') }}
    as default_channel_group,
  {{ ad_platform('source', 'medium', 'placed') }} as ad_platform,
  -- A direct visit inherits its last click from the visit before; only a click of its own counts.
  case when coalesce(gclid, wbraid, gbraid) is not null then session_google_ads_account_id end
    as google_ads_account_id,
  case when coalesce(gclid, wbraid, gbraid) is not null then session_google_ads_campaign_id end
    as google_ads_campaign_id,
  device_category,
  browser,
  operating_system,
  country,
  region
from placed
{{ days_together('session_date') }}
