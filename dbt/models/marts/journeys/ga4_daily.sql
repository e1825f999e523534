{{ config(by_day(
  'date', ['raw.ga4_events', moved_transactions()], before=1, after=1,
  cluster_by=['property_id', 'default_channel_group']
)) }}
-- Visits and purchases by day and traffic source, in the words of GA4's own reports.
{%- set paid = '(purchase_revenue_micros != 0 or purchase_currency_code is not null)' %}
with sessions as (
  select
    *,
    coalesce(mkt_source, '(direct)') as shown_source,
    coalesce(mkt_medium, '(none)') as shown_medium,
    coalesce(mkt_campaign, '(not set)') as shown_campaign,
    coalesce(device_category, '(not set)') as shown_device_category
  from {{ ref('int_journeys_sessions') }}
  where {{ restated('session_date') }}
)

select
  property_id,
  session_date as date,
  default_channel_group,
  shown_source as mkt_source,
  shown_medium as mkt_medium,
  shown_campaign as mkt_campaign,
  shown_device_category as device_category,
  count(*) as sessions,
  {{ count_where('is_engaged') }} as engaged_sessions,
  count(distinct client_key) as active_devices,
  {{ count_where('is_first_visit') }} as new_devices,
  {{ sum_int('events') }} as events,
  {{ sum_int('page_views') }} as page_views,
  {{ sum_int('purchases') }} as purchases,
  {{ sum_int('unvalued_purchases') }} as unvalued_purchases,
  case
    when {{ is_one_currency('purchase_currency_code', paid) }}
      then {{ if_all_known('purchase_revenue_micros', sum_int('purchase_revenue_micros')) }}
  end as purchase_revenue_micros,
  {{ one_currency('purchase_currency_code', paid) }} as purchase_currency_code
from sessions
group by
  property_id, session_date, default_channel_group, shown_source, shown_medium, shown_campaign,
  shown_device_category
