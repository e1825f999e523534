-- Spend survives the way from raw to the mart, to the micro, by account and day; tolerance 0.
with raw_days as (
  select platform, account_id, date, {{ sum_int('cost_micros') }} as raw_micros
  from {{ source('raw', 'ads_campaign_performance') }}
  group by platform, account_id, date
),

mart_days as (
  select platform, account_id, date, {{ sum_int('cost_micros') }} as mart_micros
  from {{ ref('fct_ad_spend_daily') }}
  group by platform, account_id, date
),

campaign_mart_days as (
  select platform, account_id, date, {{ sum_int('cost_micros') }} as campaign_mart_micros
  from {{ ref('ads_campaign_daily') }}
  group by platform, account_id, date
),

compared as (
  select platform, account_id, date, raw_micros, mart_micros, campaign_mart_micros
  from raw_days
  full outer join mart_days using (platform, account_id, date)
  full outer join campaign_mart_days using (platform, account_id, date)
)

select *
from compared
where coalesce(raw_micros, -1) != coalesce(mart_micros, -1)
  or coalesce(raw_micros, -1) != coalesce(campaign_mart_micros, -1)
