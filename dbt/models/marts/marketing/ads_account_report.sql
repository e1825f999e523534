-- Spend by account and day: the sum of the account's campaigns.
select
  platform,
  account_id,
  date,
  {{ sum_int('impressions') }} as impressions,
  {{ sum_int('clicks') }} as clicks,
  {{ sum_int('cost_micros') }} as cost_micros,
  sum(conversions) as conversions,
  sum(conversion_value) as conversion_value,
  currency_code,
  max(time_zone) as time_zone,
  reporting_currency_code,
  {{ if_all_known('cost_reporting_micros', sum_int('cost_reporting_micros')) }}
    as cost_reporting_micros,
  {{ if_all_known('conversion_value_reporting', 'sum(conversion_value_reporting)') }}
    as conversion_value_reporting
from {{ ref('fct_ad_spend_daily') }}
group by platform, account_id, date, currency_code, reporting_currency_code
