{{ config(materialized='view') }}
-- Conversions by the day of the visit and how long after it they came: what of a day's visits is
-- still to convert can be told from the days before.
select
  touch_date as date,
  default_channel_group,
  lag_days,
  currency_code,
  {{ sum_int('first_touch_conversions') }} as first_touch_conversions,
  {{ sum_int('first_touch_unvalued_conversions') }} as first_touch_unvalued_conversions,
  {{ if_all_known('first_touch_value_micros', sum_int('first_touch_value_micros')) }}
    as first_touch_value_micros,
  {{ sum_int('last_non_direct_conversions') }} as last_non_direct_conversions,
  {{ sum_int('last_non_direct_unvalued_conversions') }} as last_non_direct_unvalued_conversions,
  {{ if_all_known('last_non_direct_value_micros', sum_int('last_non_direct_value_micros')) }}
    as last_non_direct_value_micros
from {{ ref('int_journeys_lags_daily') }}
group by touch_date, default_channel_group, lag_days, currency_code
