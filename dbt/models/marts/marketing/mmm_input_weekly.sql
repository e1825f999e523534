-- What the media mix model reads: weeks from Monday, every channel in every week, 0 where it spent
-- nothing, in the reporting currency. is_complete tells weeks whose data is all there, exchange rates
-- included, from weeks that only look quiet; a sum is NULL where the rate of a part of it is not known.
-- A campaign's spend is its present segment's, if jobs.mmm.segments has one for it.
with spend_days as (
  select
    days.date,
    coalesce(campaigns.mmm_channel, days.channel) as channel,
    days.reporting_currency_code,
    days.cost_reporting_micros,
    days.impressions,
    days.clicks
  from {{ ref('fct_ad_spend_daily') }} as days
  left join {{ ref('dim_campaign') }} as campaigns
    on days.platform = campaigns.platform
    and days.account_id = campaigns.account_id
    and days.campaign_id = campaigns.campaign_id
),

spend as (
  select
    {{ week_start('date') }} as week_start,
    channel,
    reporting_currency_code as currency_code,
    {{ if_all_known('cost_reporting_micros', sum_int('cost_reporting_micros')) }}
      as spend_micros,
    {{ sum_int('impressions') }} as impressions,
    {{ sum_int('clicks') }} as clicks
  from spend_days
  group by week_start, channel, reporting_currency_code
),

sales as (
  select
    {{ week_start('date') }} as week_start,
    reporting_currency_code as currency_code,
    {{ sum_int('orders') }} as orders,
    {{ sum_int('new_customers') }} as new_customers,
    {{ if_all_known('net_revenue_reporting_micros', sum_int('net_revenue_reporting_micros')) }}
      as revenue_micros
  from {{ ref('int_spend_sale_days') }}
  group by week_start, reporting_currency_code
),

-- An amount whose rate is not known is missing data too.
unknown as (
  select week_start
  from spend
  where spend_micros is null
  union distinct
  select week_start
  from sales
  where revenue_micros is null
),

known_days as (
  select date from {{ ref('fct_ad_spend_daily') }}
  union all
  select date from {{ ref('ads_account_days') }}
  union all
  select date from {{ ref('int_spend_shop_days') }}
  union all
  select order_date from {{ ref('fct_orders') }}
),

span as (
  select min({{ week_start('date') }}) as first_week, max({{ week_start('date') }}) as last_week
  from known_days
),

weeks as (
  select week_start
  from span
  cross join {{ day_series('first_week', 'last_week', 'week_start', step=7) }}
),

channels as (
  select channel, currency_code
  from spend
  group by channel, currency_code
),

-- An account is active until its last delivery, and after it while a campaign is still enabled. It
-- counts in every earlier week too: what it spent before its first covered day is not known to be 0.
accounts as (
  select
    platform,
    account_id,
    max(last_date) as last_delivery,
    max(case when campaign_status = 'ENABLED' then 1 else 0 end) as has_enabled
  from {{ ref('dim_campaign') }}
  group by platform, account_id
  having max(last_date) is not null
),

-- The days before an account was launched, as jobs.mmm.launched says, are covered: it spent nothing.
covered as (
  select platform, account_id, date
  from {{ ref('ads_account_days') }}
  {% for name, day in var('launched', {}).items() %}
  {% set platform, _, account = name.partition('/') %}
  {% set launch = "cast('" ~ day ~ "' as date)" %}
  union distinct
  select accounts.platform, accounts.account_id, before_day as date
  from accounts
  cross join span
  cross join {{ day_series('span.first_week', launch, 'before_day') }}
  where
    accounts.platform = '{{ platform }}'
    {% if account %}and accounts.account_id = '{{ account }}'{% endif %}
    and before_day < {{ launch }}
  {% endfor %}
),

account_weeks as (
  select platform, account_id, {{ week_start('date') }} as week_start, count(*) as days
  from covered
  group by platform, account_id, week_start
),

ad_coverage as (
  select
    weeks.week_start,
    {{ count_where('coalesce(account_weeks.days, 0) < 7') }} as accounts_missing
  from weeks
  inner join accounts
    on accounts.has_enabled = 1 or weeks.week_start <= accounts.last_delivery
  left join account_weeks
    on accounts.platform = account_weeks.platform
    and accounts.account_id = account_weeks.account_id
    and weeks.week_start = account_weeks.week_start
  group by weeks.week_start
),

shop_weeks as (
  select shop_id, {{ week_start('date') }} as week_start, count(*) as days
  from {{ ref('int_spend_shop_days') }}
  group by shop_id, week_start
),

shops as (
  select shop_id
  from shop_weeks
  group by shop_id
),

shop_coverage as (
  select
    weeks.week_start,
    {{ count_where('coalesce(shop_weeks.days, 0) < 7') }} as shops_missing
  from weeks
  cross join shops
  left join shop_weeks
    on shops.shop_id = shop_weeks.shop_id and weeks.week_start = shop_weeks.week_start
  group by weeks.week_start
)

select
  weeks.week_start,
  channels.channel,
  channels.currency_code,
  case when spend.week_start is null then 0 else spend.spend_micros end as spend_micros,
  coalesce(spend.impressions, 0) as impressions,
  coalesce(spend.clicks, 0) as clicks,
  coalesce(sales.orders, 0) as orders,
  coalesce(sales.new_customers, 0) as new_customers,
  case when sales.week_start is null then 0 else sales.revenue_micros end as revenue_micros,
  -- Without any shop there is no outcome to explain, so the week is not complete.
  coalesce(shop_coverage.shops_missing = 0, false)
  and coalesce(ad_coverage.accounts_missing, 0) = 0
  and unknown.week_start is null as is_complete
from weeks
cross join channels
left join spend
  on weeks.week_start = spend.week_start
  and channels.channel = spend.channel
  and channels.currency_code = spend.currency_code
left join sales
  on weeks.week_start = sales.week_start and channels.currency_code = sales.currency_code
left join ad_coverage on weeks.week_start = ad_coverage.week_start
left join shop_coverage on weeks.week_start = shop_coverage.week_start
left join unknown on weeks.week_start = unknown.week_start
