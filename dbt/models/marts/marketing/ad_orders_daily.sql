{{ config(materialized='view') }}
-- Orders of the order book by the ad of their last touch that wasn't direct, and the day of that
-- touch. Of the ads that a platform lists in one account: an id that two accounts have tells of
-- neither.
with ads as (
  select platform, entity_id as ad_id, min(entities.account_id) as account_id
  from {{ ref('stg_ads__entities') }} as entities
  where entity_type = 'ad'
  group by platform, entity_id
  having min(entities.account_id) = max(entities.account_id)
)

select
  conversions.touch_date as date,
  conversions.platform,
  ads.account_id,
  conversions.ad_id,
  {{ reporting_currency() }} as reporting_currency_code,
  {{ sum_int('conversions.conversions') }} as orders,
  {{ if_all_known(
    to_reporting_micros('conversions.value_micros', 'conversions.currency_code', 'rates.fx_rate'),
    sum_int(to_reporting_micros(
      'conversions.value_micros', 'conversions.currency_code', 'rates.fx_rate'
    ))
  ) }} as order_value_reporting_micros
from {{ ref('int_journeys_ad_conversions_daily') }} as conversions
inner join ads
  on conversions.platform = ads.platform
  and conversions.ad_id = ads.ad_id
left join {{ ref('int_spend_fx_rates') }} as rates
  on conversions.conversion_date = rates.date
  and conversions.currency_code = rates.currency_code
  and rates.reporting_currency_code = {{ reporting_currency() }}
group by conversions.touch_date, conversions.platform, ads.account_id, conversions.ad_id
