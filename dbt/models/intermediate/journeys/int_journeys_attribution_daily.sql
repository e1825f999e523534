{{ config(by_day(
  'conversion_date', journey_tables(), before=1, after=lag_days() + lookback_days() + 1
)) }}
-- Credit for conversions by conversion day, touch day and where the touch came from. A conversion
-- without a touch in the lookback is credited to (unattributed) on its own day. A value that is not
-- known is no 0: where a part of it belongs, the sum is not known either.
with counted as (
  select
    *,
    count(case when is_in_lookback then 1 end) over (partition by conversion_id) as touches,
    min(case when is_in_lookback and touch_class != 'direct' then touch_number end) over (
      partition by conversion_id
    ) as last_non_direct
  from {{ ref('int_journeys_conversion_touches') }}
  where {{ restated('conversion_date') }}
),

credited as (
  select
    conversion_date,
    conversion_id,
    case when is_in_lookback then touch_date else conversion_date end as touch_date,
    case when is_in_lookback then default_channel_group else '(unattributed)' end
      as default_channel_group,
    case when is_in_lookback then touch_class else '(unattributed)' end as touch_class,
    case when is_in_lookback then coalesce(platform, '(none)') else '(none)' end as platform,
    case when is_in_lookback then coalesce(account_id, '(none)') else '(none)' end as account_id,
    case when is_in_lookback then coalesce(campaign_id, '(none)') else '(none)' end as campaign_id,
    case when is_in_lookback then coalesce(mkt_campaign, '(none)') else '(none)' end
      as mkt_campaign,
    coalesce(currency_code, '(not set)') as currency_code,
    net_value_micros,
    coalesce(lag_micros, 0) as lag_micros,
    case when touches = 0 then 1 else touches end as touches,
    case when touches = 0 then 1 else touches - touch_number + 1 end as position,
    coalesce(last_non_direct, 1) = touch_number or touches = 0 as is_last_non_direct
  from counted
  -- Of a conversion whose touches are all older than the lookback, or which has none, one row.
  where is_in_lookback or (touches = 0 and touch_number <= 1)
),

weighted as (
  select
    *
    {%- for model in attribution_models() %},
    {{ attribution_weight(model) }} as {{ model }}_weight{% endfor %}
  from credited
),

shared as (
  select
    *
    {%- for model in attribution_models() %},
    -- The last touch closes the sum, whatever floats made of it.
    case
      when position = touches then 1.0
      else {{ safe_divide(
        'sum(' ~ model ~ '_weight) over (partition by conversion_id order by position'
        ~ ' rows between unbounded preceding and current row)',
        'sum(' ~ model ~ '_weight) over (partition by conversion_id)'
      ) }}
    end as {{ model }}_share{% endfor %}
  from weighted
),

differences as (
  select
    *
    {%- for model in attribution_models() %},
    coalesce(
      lag({{ model }}_share) over (partition by conversion_id order by position), 0.0
    ) as {{ model }}_before{% endfor %}
  from shared
),

credits as (
  select
    *
    {%- for model in attribution_models() %},
    round({{ model }}_share * 1000000) - round({{ model }}_before * 1000000) as {{ model }}_part,
    case
      when {{ model }}_share = {{ model }}_before then 0
      else round({{ model }}_share * net_value_micros) - round({{ model }}_before * net_value_micros)
    end as {{ model }}_value{% endfor %}
  from differences
)

select
  conversion_date,
  touch_date,
  default_channel_group,
  touch_class,
  platform,
  account_id,
  campaign_id,
  mkt_campaign,
  currency_code
  {%- for model in attribution_models() %},
  {{ sum_int(model ~ '_part') }} as {{ model }}_conversions_micros,
  {{ sum_int('case when ' ~ model ~ '_value is null then ' ~ model ~ '_part else 0 end') }}
    as {{ model }}_unvalued_conversions_micros,
  {{ if_all_known(model ~ '_value', sum_int(model ~ '_value')) }} as {{ model }}_value_micros{% endfor %}
from credits
group by
  conversion_date, touch_date, default_channel_group, touch_class, platform, account_id,
  campaign_id, mkt_campaign, currency_code
{{ days_together('conversion_date') }}
