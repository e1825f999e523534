{%- set lookback = lookback_days() -%}
{{ config(by_day(
  'touch_date', touch_tables(), before=1, after=lookback, cluster_by=['person_node_id']
)) }}
-- Every touch by the day it was on, each click once: a session, else a server event with a click
-- id, else a click that only the platform's own records show, else a lead's form with a click id or
-- tags. Facts of the day only: whose it was, and what names it has now, persistent_touchpoints
-- says.
with sessions as (
  select *
  from {{ ref('int_journeys_sessions') }}
  where {{ restated('session_date', before=lookback, after=1) }}
),

clicks as (
  select platform, account_id, date, click_id, campaign_id, adgroup_id, ad_id, time_zone
  from {{ ref('stg_ads__clicks') }}
  where {{ restated('date', before=lookback, after=1) }}
  -- Two accounts that claim the same click would double the touch.
  qualify row_number() over (
    partition by platform, click_id
    order by date, account_id
  ) = 1
),

leads as (
  select
    *,
    {%- for name in click_ids_not_in('crm_leads') %}
    {{ no_text() }} as {{ name }},
    {%- endfor %}
    {{ first_click_of(click_ids('crm_leads')) }} as click_id
  from {{ ref('stg_crm__leads') }}
  where
    {{ restated('created_date') }}
    and coalesce({{ (click_ids('crm_leads') + ['utm_source', 'utm_medium']) | join(', ') }}) is not null
),

-- What a site's server saw of a click first on a day.
server_events as (
  select
    *,
    {%- for name in click_ids_not_in('server_events') %}
    {{ no_text() }} as {{ name }},
    {%- endfor %}
    {{ source_of_unpaid_click('server_events') }} as click_source,
    case
      {%- for name in click_ids('server_events') %}
      when {{ name }} is not null then '{{ name }}'
      {%- endfor %}
    end as click_type,
    {{ first_click_of(click_ids('server_events')) }} as click_id
  from {{ ref('stg_server__events') }}
  where
    {{ restated('event_date', before=lookback, after=1) }}
    and {{ first_click_of(click_ids('server_events')) }} is not null
),

server_clicks as (
  select *
  from server_events
  where true
  qualify row_number() over (
    partition by site_id, event_date, click_id
    order by occurred_at, event_id
  ) = 1
),

clicks_in_sessions as (
  {% for column in click_ids() %}
  select {{ column }} as click_id, session_date as seen_on
  from sessions
  where {{ column }} is not null
  {% if not loop.last %}union all{% endif %}
  {% endfor %}
),

clicks_in_visits as (
  select click_id, seen_on from clicks_in_sessions
  union all
  select click_id, event_date as seen_on from server_clicks
),

session_touches as (
  select
    {{ surrogate_key(["'ga4'", 'sessions.session_id']) }} as touch_id,
    'ga4' as touch_source,
    sessions.session_date as touch_date,
    sessions.start_tstamp as touched_at,
    false as is_day_only,
    sessions.property_id,
    sessions.client_key,
    sessions.session_id,
    {{ no_text() }} as crm,
    {{ no_text() }} as crm_account_id,
    {{ no_text() }} as lead_id,
    'device' as person_node_type,
    sessions.client_key as person_node_id,
    sessions.default_channel_group,
    sessions.ad_platform as platform,
    coalesce(clicks.account_id, sessions.google_ads_account_id) as account_id,
    coalesce(
      clicks.campaign_id,
      sessions.google_ads_campaign_id,
      case when sessions.ad_platform is not null then sessions.mkt_campaign_id end
    ) as campaign_id,
    clicks.adgroup_id,
    clicks.ad_id,
    sessions.mkt_clickid as click_id,
    sessions.mkt_source,
    sessions.mkt_medium,
    sessions.mkt_campaign
  from sessions
  left join clicks on clicks.platform = 'google_ads' and sessions.gclid = clicks.click_id
  where {{ restated('sessions.session_date') }}
),

server_touches as (
  select
    {{ surrogate_key(["'server'", 'events.site_id', 'events.event_date', 'events.click_id']) }}
      as touch_id,
    'server' as touch_source,
    events.event_date as touch_date,
    events.occurred_at as touched_at,
    false as is_day_only,
    {{ no_text() }} as property_id,
    events.client_key,
    {{ no_text() }} as session_id,
    {{ no_text() }} as crm,
    {{ no_text() }} as crm_account_id,
    {{ no_text() }} as lead_id,
    case
      when events.client_key is not null then 'device'
      when events.user_id is not null then 'user_id'
      when events.email_hash is not null then 'email_hash'
      else events.click_type
    end as person_node_type,
    coalesce(events.client_key, events.user_id, events.email_hash, events.click_id)
      as person_node_id,
    {{ default_channel_group('events.click_source', no_text(), no_text(), 'sites.category', 'events') }}
      as default_channel_group,
    {{ ad_platform('events.click_source', no_text(), 'events') }} as platform,
    clicks.account_id,
    clicks.campaign_id,
    clicks.adgroup_id,
    clicks.ad_id,
    events.click_id,
    {{ no_text() }} as mkt_source,
    {{ no_text() }} as mkt_medium,
    {{ no_text() }} as mkt_campaign
  from server_clicks as events
  left join clicks_in_sessions as seen
    on events.click_id = seen.click_id
    and seen.seen_on >= {{ add_days('events.event_date', -1) }}
    and seen.seen_on <= {{ add_days('events.event_date', 1) }}
  left join clicks on clicks.platform = 'google_ads' and events.gclid = clicks.click_id
  {{ join_site('events.click_source') }}
  where
    {{ restated('events.event_date') }}
    and seen.click_id is null
),

lead_touches as (
  select
    {{ surrogate_key(["'crm'", 'leads.crm', 'leads.account_id', 'leads.lead_id']) }} as touch_id,
    'crm' as touch_source,
    leads.created_date as touch_date,
    leads.created_at as touched_at,
    false as is_day_only,
    {{ no_text() }} as property_id,
    {{ no_text() }} as client_key,
    {{ no_text() }} as session_id,
    leads.crm,
    leads.account_id as crm_account_id,
    leads.lead_id,
    'lead' as person_node_type,
    {{ node_of(['leads.crm', 'leads.account_id', 'leads.lead_id']) }} as person_node_id,
    {{ default_channel_group(
      'leads.utm_source', 'leads.utm_medium', 'leads.utm_campaign', 'sites.category', 'leads'
    ) }}
      as default_channel_group,
    {{ ad_platform('leads.utm_source', 'leads.utm_medium', 'leads') }} as platform,
    {{ no_text() }} as account_id,
    {{ no_text() }} as campaign_id,
    {{ no_text() }} as adgroup_id,
    {{ no_text() }} as ad_id,
    leads.click_id,
    leads.utm_source as mkt_source,
    leads.utm_medium as mkt_medium,
    leads.utm_campaign as mkt_campaign
  from leads
  left join clicks_in_visits as seen
    on leads.click_id = seen.click_id
    and seen.seen_on >= {{ add_days('leads.created_date', -lookback) }}
    and seen.seen_on <= {{ add_days('leads.created_date', 1) }}
  left join clicks
    on clicks.platform = 'google_ads'
    and leads.gclid = clicks.click_id
    and clicks.date >= {{ add_days('leads.created_date', -lookback) }}
    and clicks.date <= {{ add_days('leads.created_date', 1) }}
  {{ join_site('leads.utm_source') }}
  where seen.click_id is null and clicks.click_id is null
),

click_touches as (
  select
    {{ surrogate_key(["'ads'", 'clicks.platform', 'clicks.click_id']) }} as touch_id,
    'ads' as touch_source,
    clicks.date as touch_date,
    {{ day_start('clicks.date', "coalesce(clicks.time_zone, 'UTC')") }} as touched_at,
    true as is_day_only,
    {{ no_text() }} as property_id,
    {{ no_text() }} as client_key,
    {{ no_text() }} as session_id,
    {{ no_text() }} as crm,
    {{ no_text() }} as crm_account_id,
    {{ no_text() }} as lead_id,
    'gclid' as person_node_type,
    clicks.click_id as person_node_id,
    'Paid Search' as default_channel_group,
    clicks.platform,
    clicks.account_id,
    clicks.campaign_id,
    clicks.adgroup_id,
    clicks.ad_id,
    clicks.click_id,
    {{ no_text() }} as mkt_source,
    {{ no_text() }} as mkt_medium,
    {{ no_text() }} as mkt_campaign
  from clicks
  left join clicks_in_visits as seen
    on clicks.click_id = seen.click_id
    and seen.seen_on >= {{ add_days('clicks.date', -1) }}
    and seen.seen_on <= {{ add_days('clicks.date', 1) }}
  where
    {{ restated('clicks.date') }}
    and seen.click_id is null
),

touches as (
  select * from session_touches
  union all
  select * from server_touches
  union all
  select * from lead_touches
  union all
  select * from click_touches
)

select
  touch_id,
  touch_source,
  touch_date,
  touched_at,
  is_day_only,
  property_id,
  client_key,
  session_id,
  crm,
  crm_account_id,
  lead_id,
  person_node_type,
  person_node_id,
  default_channel_group,
  {{ touch_class('default_channel_group') }} as touch_class,
  platform,
  account_id,
  campaign_id,
  adgroup_id,
  ad_id,
  click_id,
  mkt_source,
  mkt_medium,
  mkt_campaign
from touches
{{ days_together('touch_date') }}
