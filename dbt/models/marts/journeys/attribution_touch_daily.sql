{{ config(materialized='view') }}
-- Credit for conversions by the day of the touch, beside everything that was spent: spend that no
-- conversion followed is here, too, or return on it would look better than it was.
with credits as (
  select
    attribution.*,
    rates.fx_rate
  from {{ ref('int_journeys_attribution_daily') }} as attribution
  left join {{ ref('int_spend_fx_rates') }} as rates
    on attribution.conversion_date = rates.date
    and attribution.currency_code = rates.currency_code
    and rates.reporting_currency_code = {{ reporting_currency() }}
),

-- A campaign's id without an account is a tag, which may be any text.
tags as (
  select distinct platform, touch_date, mkt_campaign as tag
  from credits
  where
    (account_id = '(none)' or campaign_id = '(none)')
    and mkt_campaign not in ('(none)', '(not set)')
),

named as (
  {{ campaigns_meant_by('tags') }}
),

credited as (
  select
    credits.touch_date as date,
    credits.default_channel_group,
    credits.platform,
    coalesce(nullif(credits.account_id, '(none)'), by_id.account_id, by_name.account_id, '(none)')
      as account_id,
    coalesce(
      case when credits.account_id != '(none)' then nullif(credits.campaign_id, '(none)') end,
      by_id.campaign_id,
      case when credits.account_id in ('(none)', by_name.account_id) then by_name.campaign_id end,
      credits.campaign_id
    ) as campaign_id,
    credits.currency_code,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(0 as {{ dbt.type_bigint() }}) as cost_micros,
    cast(0 as {{ dbt.type_bigint() }}) as cost_reporting_micros
    {%- for model in attribution_models() %},
    credits.{{ model }}_conversions_micros,
    credits.{{ model }}_unvalued_conversions_micros,
    credits.{{ model }}_value_micros,
    {{ to_reporting_micros(
      'credits.' ~ model ~ '_value_micros', 'credits.currency_code', 'credits.fx_rate'
    ) }} as {{ model }}_value_reporting_micros{% endfor %}
  from credits
  left join {{ ref('int_journeys_tagged_campaigns') }} as by_id
    on case when credits.account_id = '(none)' then credits.platform end = by_id.platform
    and credits.campaign_id = by_id.campaign_id
  left join named as by_name
    on
    case
      when '(none)' in (credits.account_id, credits.campaign_id) then credits.platform
    end = by_name.platform
    and credits.touch_date = by_name.touch_date
    and credits.mkt_campaign = by_name.tag
),

spend as (
  select
    date,
    {{ channel_of_platform('platform') }} as default_channel_group,
    platform,
    account_id,
    campaign_id,
    currency_code,
    reporting_currency_code,
    cost_micros,
    cost_reporting_micros
    {%- for model in attribution_models() %},
    cast(0 as {{ dbt.type_bigint() }}) as {{ model }}_conversions_micros,
    cast(0 as {{ dbt.type_bigint() }}) as {{ model }}_unvalued_conversions_micros,
    cast(0 as {{ dbt.type_bigint() }}) as {{ model }}_value_micros,
    cast(0 as {{ dbt.type_bigint() }}) as {{ model }}_value_reporting_micros{% endfor %}
  from {{ ref('fct_ad_spend_daily') }}
),

together as (
  select * from credited
  union all
  select * from spend
)

select
  date,
  default_channel_group,
  platform,
  account_id,
  campaign_id,
  currency_code,
  reporting_currency_code,
  {{ sum_int('cost_micros') }} as cost_micros,
  {{ if_all_known('cost_reporting_micros', sum_int('cost_reporting_micros')) }}
    as cost_reporting_micros
  {%- for model in attribution_models() %},
  {{ sum_int(model ~ '_conversions_micros') }} as {{ model }}_conversions_micros,
  {{ sum_int(model ~ '_unvalued_conversions_micros') }}
    as {{ model }}_unvalued_conversions_micros,
  {{ if_all_known(model ~ '_value_micros', sum_int(model ~ '_value_micros')) }}
    as {{ model }}_value_micros,
  {{ if_all_known(
    model ~ '_value_reporting_micros', sum_int(model ~ '_value_reporting_micros')
  ) }} as {{ model }}_value_reporting_micros{% endfor %}
from together
group by
  date, default_channel_group, platform, account_id, campaign_id, currency_code,
  reporting_currency_code
