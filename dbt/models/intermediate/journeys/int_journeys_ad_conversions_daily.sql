{%- set lag = lag_days() -%}
{{ config(by_day(
  'conversion_date', journey_tables(), before=1, after=lag + lookback_days() + 1
)) }}
-- Conversions and their value by the ad of the last touch that wasn't direct, where the touch names
-- one: by its click, or by the utm_content of the page it landed on, as {% raw %}{{ad.id}}{% endraw %} writes it there.
with counted as (
  select
    *,
    min(case when is_in_lookback and touch_class != 'direct' then touch_number end) over (
      partition by conversion_id
    ) as last_non_direct
  from {{ ref('int_journeys_conversion_touches') }}
  where {{ restated('conversion_date') }}
),

lasting as (
  select *
  from counted
  where touch_number = last_non_direct and platform is not null
),

sessions as (
  select session_id, session_date, landing_page
  from {{ ref('int_journeys_sessions') }}
  where {{ restated('session_date', before=lag + 1, after=1) }}
),

touches as (
  select
    touches.touch_id,
    coalesce(
      touches.ad_id,
      {{ extract_group('sessions.landing_page', '[?&]utm_content=([0-9]+)(?:[&#]|$)') }}
    ) as ad_id
  from {{ ref('int_journeys_touchpoints') }} as touches
  left join sessions
    on touches.session_id = sessions.session_id
    and touches.touch_date = sessions.session_date
  where {{ restated('touches.touch_date', before=lag + 1, after=1) }}
)

select
  lasting.conversion_date,
  lasting.touch_date,
  lasting.platform,
  touches.ad_id,
  coalesce(lasting.currency_code, '(not set)') as currency_code,
  count(*) as conversions,
  {{ if_all_known('lasting.net_value_micros', sum_int('lasting.net_value_micros')) }}
    as value_micros
from lasting
inner join touches on lasting.touch_id = touches.touch_id
where touches.ad_id is not null
group by
  lasting.conversion_date, lasting.touch_date, lasting.platform, touches.ad_id,
  coalesce(lasting.currency_code, '(not set)')
{{ days_together('conversion_date') }}
