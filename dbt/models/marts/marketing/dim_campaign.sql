-- Every campaign known from delivery, from the platform's list of entities or from a budget, in the
-- currency it was last seen in: an account may change its own.
with delivered as (
  select
    platform,
    account_id,
    campaign_id,
    min(date) as first_date,
    max(date) as last_date
  from {{ ref('int_spend_campaign_days') }}
  group by platform, account_id, campaign_id
),

last_day as (
  select platform, account_id, campaign_id, date, status, currency_code, time_zone
  from {{ ref('int_spend_campaign_days') }}
  where true
  qualify row_number() over (
    partition by platform, account_id, campaign_id
    order by date desc
  ) = 1
),

entities as (
  select platform, account_id, entity_id as campaign_id, name, status, advertising_type, labels
  from {{ ref('stg_ads__entities') }}
  where entity_type = 'campaign'
),

budgets as (
  select
    platform,
    account_id,
    campaign_id,
    effective_from,
    daily_budget_micros,
    shared_budget_id,
    currency_code,
    time_zone
  from {{ ref('int_spend_budget_periods') }}
  where is_latest
),

-- A campaign that neither delivered nor has a budget takes its account's currency and time zone.
account_places as (
  select platform, account_id, currency_code, time_zone
  from (
    select platform, account_id, date as seen_on, currency_code, time_zone from last_day
    union all
    select platform, account_id, effective_from as seen_on, currency_code, time_zone from budgets
  ) as places
  where true
  qualify row_number() over (
    partition by platform, account_id
    order by seen_on desc, currency_code desc, time_zone desc
  ) = 1
),

campaigns as (
  select platform, account_id, campaign_id from delivered
  union distinct
  select platform, account_id, campaign_id from entities
  union distinct
  select platform, account_id, campaign_id from budgets
)

select
  campaigns.platform,
  campaigns.account_id,
  campaigns.campaign_id,
  entities.name as campaign_name,
  coalesce(entities.status, last_day.status) as campaign_status,
  entities.advertising_type,
  entities.labels,
  {{ mmm_channel('campaigns.platform', 'entities.name', 'entities.labels') }} as mmm_channel,
  case
    when budgets.effective_from <= last_day.date and budgets.currency_code != last_day.currency_code
      then null
    else budgets.daily_budget_micros
  end as daily_budget_micros,
  budgets.shared_budget_id,
  coalesce(
    case when budgets.effective_from > last_day.date then budgets.currency_code end,
    last_day.currency_code,
    budgets.currency_code,
    account_places.currency_code
  ) as currency_code,
  coalesce(last_day.time_zone, budgets.time_zone, account_places.time_zone) as time_zone,
  delivered.first_date,
  delivered.last_date
from campaigns
left join delivered
  on campaigns.platform = delivered.platform
  and campaigns.account_id = delivered.account_id
  and campaigns.campaign_id = delivered.campaign_id
left join last_day
  on campaigns.platform = last_day.platform
  and campaigns.account_id = last_day.account_id
  and campaigns.campaign_id = last_day.campaign_id
left join entities
  on campaigns.platform = entities.platform
  and campaigns.account_id = entities.account_id
  and campaigns.campaign_id = entities.campaign_id
left join budgets
  on campaigns.platform = budgets.platform
  and campaigns.account_id = budgets.account_id
  and campaigns.campaign_id = budgets.campaign_id
left join account_places
  on campaigns.platform = account_places.platform
  and campaigns.account_id = account_places.account_id
