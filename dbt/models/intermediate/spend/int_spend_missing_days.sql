-- Days on which an ad account's spend is not known, by account: from its first covered day on, while it
-- delivers or a campaign of it is enabled, every day that no published batch of campaigns covers; and
-- days of which only finer levels were published, whose spend no sum of campaigns has.
with accounts as (
  select
    platform,
    account_id,
    max(last_date) as last_delivery,
    max(case when campaign_status = 'ENABLED' then 1 else 0 end) as has_enabled
  from {{ ref('dim_campaign') }}
  group by platform, account_id
),

spans as (
  select days.platform, days.account_id, min(days.date) as first_day
  from {{ ref('ads_account_days') }} as days
  group by days.platform, days.account_id
),

last_day as (
  select max(date) as last_date
  from (
    select date from {{ ref('ads_account_days') }}
    union all
    select date from {{ ref('int_spend_sale_days') }}
  ) as known_days
),

expected as (
  select spans.platform, spans.account_id, expected_day as date
  from spans
  inner join accounts
    on spans.platform = accounts.platform and spans.account_id = accounts.account_id
  cross join last_day
  cross join {{ day_series(
    'spans.first_day',
    'case when accounts.has_enabled = 1 then last_day.last_date else accounts.last_delivery end',
    'expected_day'
  ) }}
  union distinct
  select loads.platform, loads.account_id, finer_day as date
  from {{ ref('stg_ads__loads') }} as loads
  cross join {{ day_series('loads.window_start', 'loads.window_end', 'finer_day') }}
  where loads.table_name in ('raw.ads_adgroup_performance', 'raw.ads_ad_performance')
)

select expected.platform, expected.account_id, expected.date
from expected
left join {{ ref('ads_account_days') }} as covered
  on expected.platform = covered.platform
  and expected.account_id = covered.account_id
  and expected.date = covered.date
where covered.date is null
