{{ config(by_day(
  'date',
  ['raw.ads_campaign_performance', 'raw.fx_rates'],
  after=7,
  cluster_by=['platform', 'account_id'],
)) }}
-- What was spent, by campaign and day, in the account's currency and in the reporting one: the
-- books. A rate counts for up to 7 days after it, which is why so many days are rebuilt with it.
{{ refuse_another_reporting_currency() }}
with days as (
  select * from {{ ref('int_spend_campaign_days') }}
  where {{ restated('date') }}
),

rates as (
  select * from {{ ref('int_spend_fx_rates') }}
  where {{ restated('date') }}
),

rated as (
  select
    days.*,
    case when days.currency_code = {{ reporting_currency() }} then 1 else rates.fx_rate end
      as fx_rate,
    case when days.currency_code = {{ reporting_currency() }} then days.date else rates.fx_date end
      as fx_date
  from days
  left join rates on days.date = rates.date and days.currency_code = rates.currency_code
)

select
  platform,
  account_id,
  date,
  campaign_id,
  channel,
  impressions,
  clicks,
  cost_micros,
  conversions,
  conversion_value,
  currency_code,
  time_zone,
  {{ reporting_currency() }} as reporting_currency_code,
  fx_rate,
  fx_date,
  {{ to_reporting_micros('cost_micros', 'currency_code', 'fx_rate') }} as cost_reporting_micros,
  {{ to_reporting_value('conversion_value', 'currency_code', 'fx_rate') }}
    as conversion_value_reporting
from rated
