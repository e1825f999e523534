{{ config(by_day(
  'date', journey_tables(), before=1, after=lag_days() + 2 * lookback_days() + 1, whole_weeks=true
)) }}
-- Paths of channels by the day on which they ended, converting or not. A path that fewer than
-- paths_k_anonymity people went on the day is counted in '(other)'.
{%- set unvalued = count_where('is_converted and net_value_micros is null') %}
with {{ journeys_with_paths() }},

shown as (
  select
    path_date,
    journey_key,
    is_converted,
    net_value_micros,
    currency_code,
    {{ shown_path('is_shown_on_day') }}
  from journeys
)

select
  path_date as date,
  shown_path as channel_path,
  shown_transformed_path as channel_transformed_path,
  shown_length as path_length,
  count(distinct journey_key) as persons,
  {{ count_where('is_converted') }} as conversions,
  {{ count_where('not is_converted') }} as non_conversions,
  {{ unvalued }} as unvalued_conversions,
  case
    when
      {{ is_one_currency('currency_code', 'net_value_micros is not null') }}
      and {{ unvalued }} = 0
      then coalesce({{ sum_int('net_value_micros') }}, 0)
  end as conversion_value_micros,
  {{ one_currency('currency_code', 'net_value_micros is not null') }} as currency_code
from shown
group by path_date, shown_path, shown_transformed_path, shown_length
