{{ config(by_day(
  'conversion_date', journey_tables(), before=1, after=lag_days() + lookback_days() + 1
)) }}
-- How long after a visit conversions came: by conversion day, visit day, channel and whole days of
-- elapsed time, once for the first visit known and once for the last that was not direct.
with visits as (
  select
    *,
    max(touch_number) over (partition by conversion_id) as first_visit,
    min(touch_number) over (partition by conversion_id) as last_visit,
    min(case when touch_class != 'direct' then touch_number end) over (partition by conversion_id)
      as last_non_direct_visit
  from {{ ref('int_journeys_conversion_touches') }}
  where
    {{ restated('conversion_date') }}
    and touch_source = 'ga4'
),

lagged as (
  select
    *,
    cast(floor(cast(lag_micros as {{ type_float64() }}) / 86400000000) as {{ dbt.type_bigint() }})
      as lag_in_days,
    touch_number = first_visit as is_first,
    touch_number = coalesce(last_non_direct_visit, last_visit) as is_last_non_direct,
    coalesce(currency_code, '(not set)') as shown_currency_code
  from visits
)

select
  conversion_date,
  touch_date,
  default_channel_group,
  lag_in_days as lag_days,
  shown_currency_code as currency_code,
  {{ count_where('is_first') }} as first_touch_conversions,
  {{ count_where('is_first and net_value_micros is null') }}
    as first_touch_unvalued_conversions,
  {{ if_all_known(
    'case when is_first then net_value_micros else 0 end',
    sum_int('case when is_first then net_value_micros else 0 end')
  ) }} as first_touch_value_micros,
  {{ count_where('is_last_non_direct') }} as last_non_direct_conversions,
  {{ count_where('is_last_non_direct and net_value_micros is null') }}
    as last_non_direct_unvalued_conversions,
  {{ if_all_known(
    'case when is_last_non_direct then net_value_micros else 0 end',
    sum_int('case when is_last_non_direct then net_value_micros else 0 end')
  ) }} as last_non_direct_value_micros
from lagged
where is_first or is_last_non_direct
group by conversion_date, touch_date, default_channel_group, lag_in_days, shown_currency_code
{{ days_together('conversion_date') }}
