{{ config(materialized='view') }}
-- Every paid, owned, earned and direct touch with its person, its campaign and what it cost. What
-- is true only now (the person, names) is joined here, so that nothing of it is stale.
with touches as (
  select *
  from {{ ref('int_journeys_touchpoints') }}
),

-- A click tells its campaign and account. A campaign's id without an account is a tag, which may be
-- any text.
tags as (
  select distinct platform, touch_date, mkt_campaign as tag
  from touches
  where
    platform is not null
    and mkt_campaign is not null
    and (account_id is null or campaign_id is null)
),

named as (
  {{ campaigns_meant_by('tags') }}
),

campaigns as (
  select platform, account_id, entity_id as campaign_id, name
  from {{ ref('stg_ads__entities') }}
  where entity_type = 'campaign'
),

placed as (
  select
    touches.*,
    coalesce(touches.account_id, by_id.account_id, by_name.account_id) as ad_account_id,
    coalesce(
      case when touches.account_id is not null then touches.campaign_id end,
      by_id.campaign_id,
      case
        when touches.account_id is null or touches.account_id = by_name.account_id
          then by_name.campaign_id
      end,
      touches.campaign_id
    ) as ad_campaign_id,
    case
      when touches.account_id is not null and touches.campaign_id is not null then 'click'
      when by_id.campaign_id is not null then 'id'
      when touches.account_id is null or touches.account_id = by_name.account_id
        then by_name.basis
    end as campaign_basis,
    case when touches.touch_class = 'paid' then touches.platform end as paid_platform
  from touches
  left join {{ ref('int_journeys_tagged_campaigns') }} as by_id
    on case when touches.account_id is null then touches.platform end = by_id.platform
    and touches.campaign_id = by_id.campaign_id
  left join named as by_name
    on
    case
      when touches.account_id is null or touches.campaign_id is null then touches.platform
    end = by_name.platform
    and touches.touch_date = by_name.touch_date
    and touches.mkt_campaign = by_name.tag
),

ad_days as (
  select
    platform,
    account_id,
    date,
    campaign_id,
    adgroup_id,
    ad_id,
    max(currency_code) as currency_code,
    {{ safe_divide(sum_int('cost_micros'), sum_int('clicks')) }} as cost_per_click
  from {{ ref('stg_ads__ad_performance') }}
  group by platform, account_id, date, campaign_id, adgroup_id, ad_id
),

campaign_days as (
  select
    platform,
    account_id,
    date,
    campaign_id,
    max(currency_code) as currency_code,
    {{ safe_divide(sum_int('cost_micros'), sum_int('clicks')) }} as cost_per_click
  from {{ ref('stg_ads__campaign_performance') }}
  group by platform, account_id, date, campaign_id
)

select
  placed.touch_id,
  placed.touch_source,
  placed.touch_date,
  placed.touched_at,
  placed.is_day_only,
  identity_map.person_id,
  identity_links.probable_person_id,
  identity_links.match_probability as person_match_probability,
  placed.property_id,
  placed.client_key,
  placed.session_id,
  placed.crm,
  placed.crm_account_id,
  placed.lead_id,
  placed.touch_class,
  placed.default_channel_group,
  placed.platform,
  placed.ad_account_id as account_id,
  placed.ad_campaign_id as campaign_id,
  campaigns.name as campaign_name,
  placed.campaign_basis,
  placed.adgroup_id,
  placed.ad_id,
  placed.click_id,
  placed.mkt_source,
  placed.mkt_medium,
  placed.mkt_campaign,
  cast(round(coalesce(ad_days.cost_per_click, campaign_days.cost_per_click)) as {{ dbt.type_bigint() }})
    as cost_micros,
  case
    when ad_days.cost_per_click is not null then ad_days.currency_code
    when campaign_days.cost_per_click is not null then campaign_days.currency_code
  end as cost_currency_code,
  case
    when ad_days.cost_per_click is not null then 'ad'
    when campaign_days.cost_per_click is not null then 'campaign'
  end as cost_basis
from placed
left join {{ ref('identity_map') }} as identity_map
  on placed.person_node_type = identity_map.node_type
  and placed.person_node_id = identity_map.node_id
left join {{ ref('identity_links') }} as identity_links
  on identity_links.node_type = 'device' and placed.client_key = identity_links.node_id
left join campaigns
  on placed.platform = campaigns.platform
  and placed.ad_account_id = campaigns.account_id
  and placed.ad_campaign_id = campaigns.campaign_id
left join ad_days
  on placed.paid_platform = ad_days.platform
  and placed.ad_account_id = ad_days.account_id
  and placed.touch_date = ad_days.date
  and placed.ad_campaign_id = ad_days.campaign_id
  and placed.adgroup_id = ad_days.adgroup_id
  and placed.ad_id = ad_days.ad_id
left join campaign_days
  on placed.paid_platform = campaign_days.platform
  and placed.ad_account_id = campaign_days.account_id
  and placed.touch_date = campaign_days.date
  and placed.ad_campaign_id = campaign_days.campaign_id
