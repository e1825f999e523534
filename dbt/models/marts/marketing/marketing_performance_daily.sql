-- What each channel delivered and claims by day, with the ratios people steer by, in the reporting
-- currency. is_complete tells whether that is all: whether the campaigns' rows of the day are there of
-- every account of the channel.
with days as (
  select
    date,
    channel,
    reporting_currency_code,
    {{ if_all_known('cost_reporting_micros', sum_int('cost_reporting_micros')) }}
      as cost_reporting_micros,
    {{ sum_int('impressions') }} as impressions,
    {{ sum_int('clicks') }} as clicks,
    sum(conversions) as conversions,
    {{ if_all_known('conversion_value_reporting', 'sum(conversion_value_reporting)') }}
      as conversion_value_reporting
  from {{ ref('fct_ad_spend_daily') }}
  group by date, channel, reporting_currency_code
),

missing_days as (
  select platform, date
  from {{ ref('int_spend_missing_days') }}
  group by platform, date
),

judged as (
  select days.*, missing_days.date is null as is_complete
  from days
  left join missing_days
    on days.channel = missing_days.platform and days.date = missing_days.date
)

select
  date,
  channel,
  reporting_currency_code,
  is_complete,
  cost_reporting_micros,
  impressions,
  clicks,
  conversions,
  conversion_value_reporting,
  {{ safe_divide('clicks', 'impressions') }} as ctr,
  {{ safe_divide('conversions', 'clicks') }} as cvr,
  {{ micros_per('cost_reporting_micros', 'clicks') }} as cpc_micros,
  {{ micros_per('cost_reporting_micros', 'impressions', per=1000) }} as cpm_micros,
  {{ micros_per('cost_reporting_micros', 'conversions') }} as cost_per_conversion_micros,
  {{ safe_divide('conversion_value_reporting * 1000000', 'cost_reporting_micros') }} as roas
from judged
