{{ config(materialized='view') }}
-- Sessions of known devices, with where they came from and whose they are: now, not when they were
-- built, since people become known later.
with clicks as (
  select click_id, account_id, campaign_id, adgroup_id, ad_id
  from {{ ref('stg_ads__clicks') }}
  where platform = 'google_ads'
  -- Two accounts that claim the same click would double the visit.
  qualify row_number() over (
    partition by click_id
    order by date, account_id
  ) = 1
)

select
  sessions.session_id,
  sessions.property_id,
  sessions.client_key,
  identity_map.person_id,
  identity_links.probable_person_id,
  identity_links.match_probability as person_match_probability,
  sessions.session_key,
  sessions.ga_session_id,
  sessions.ga_session_number,
  sessions.session_date,
  sessions.start_tstamp,
  sessions.end_tstamp,
  sessions.engaged_time_in_s,
  sessions.is_engaged,
  sessions.events,
  sessions.page_views,
  sessions.is_first_visit,
  sessions.purchases,
  sessions.unvalued_purchases,
  sessions.purchase_revenue_micros,
  sessions.purchase_currency_code,
  sessions.landing_page,
  sessions.refr_url,
  sessions.mkt_source,
  sessions.mkt_medium,
  sessions.mkt_campaign,
  sessions.mkt_campaign_id,
  sessions.gclid,
  sessions.wbraid,
  sessions.gbraid,
  sessions.dclid,
  sessions.fbclid,
  sessions.ttclid,
  sessions.li_fat_id,
  sessions.msclkid,
  sessions.mkt_clickid,
  sessions.default_channel_group,
  sessions.ad_platform,
  coalesce(clicks.account_id, sessions.google_ads_account_id) as account_id,
  coalesce(
    clicks.campaign_id,
    sessions.google_ads_campaign_id,
    case when sessions.ad_platform is not null then sessions.mkt_campaign_id end
  ) as campaign_id,
  clicks.adgroup_id,
  clicks.ad_id,
  sessions.device_category,
  sessions.browser,
  sessions.operating_system,
  sessions.country,
  sessions.region
from {{ ref('int_journeys_sessions') }} as sessions
left join {{ ref('identity_map') }} as identity_map
  on identity_map.node_type = 'device' and sessions.client_key = identity_map.node_id
left join {{ ref('identity_links') }} as identity_links
  on identity_links.node_type = 'device' and sessions.client_key = identity_links.node_id
left join clicks
  on sessions.gclid = clicks.click_id
