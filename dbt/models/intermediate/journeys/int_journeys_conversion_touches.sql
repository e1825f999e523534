{%- set lag = lag_days() -%}
{%- set types = var('attributed_conversion_types', ['purchase']) -%}
{{ config(by_day(
  'conversion_date', journey_tables(), before=1, after=lag + lookback_days() + 1, whole_weeks=true
)) }}
-- Attributed conversions with the touches of their person before them, counted back from the
-- conversion: 1 is the last. By elapsed time, not by counted midnights. A conversion without a
-- touch has one row, number 0. People are those known when the day was built.
{{ refuse_persons_of_another_run() }}
with conversions as (
  select
    conversions.*,
    {{ micros_of_instant('conversions.converted_at') }} as converted_micros,
    coalesce(persons.person_id, conversions.client_key, conversions.conversion_id) as journey_key
  from {{ ref('int_journeys_conversions') }} as conversions
  left join {{ ref('int_journeys_persons') }} as persons
    on conversions.person_node_type = persons.node_type
    and conversions.person_node_id = persons.node_id
  where
    {{ restated('conversions.conversion_date') }}
    and conversions.conversion_type in ('{{ types | join("', '") }}')
),

touches as (
  select *, {{ micros_of_instant('touched_at') }} as touched_micros
  from {{ ref('int_journeys_person_touches') }}
  where {{ restated('touch_date', before=lag + 1, after=1) }}
),

pairs as (
  select
    conversions.conversion_date,
    conversions.conversion_id,
    conversions.conversion_type,
    conversions.converted_at,
    conversions.journey_key,
    conversions.value_micros - conversions.refunded_micros as net_value_micros,
    conversions.currency_code,
    touches.touch_id,
    touches.touch_source,
    touches.touch_date,
    touches.touched_at,
    conversions.converted_micros - touches.touched_micros as lag_micros,
    touches.default_channel_group,
    touches.touch_class,
    touches.platform,
    touches.account_id,
    touches.campaign_id,
    touches.click_id,
    touches.mkt_campaign,
    count(case when touches.touch_source != 'crm' then 1 end) over (
      partition by conversions.conversion_id
    ) as visits
  from conversions
  left join touches
    on conversions.journey_key = touches.journey_key
    and conversions.converted_micros >= touches.touched_micros
    and touches.touched_micros >= conversions.converted_micros - {{ lag * 86400 * 1000000 }}
)

select
  conversion_date,
  conversion_id,
  conversion_type,
  converted_at,
  journey_key,
  net_value_micros,
  currency_code,
  case
    when touch_id is null then 0
    else row_number() over (
      partition by conversion_id
      order by coalesce(lag_micros, 0), coalesce(touch_id, '') desc
    )
  end as touch_number,
  touch_id,
  touch_source,
  touch_date,
  touched_at,
  lag_micros,
  coalesce(lag_micros <= {{ lookback_days() * 86400 * 1000000 }}, false) as is_in_lookback,
  default_channel_group,
  touch_class,
  platform,
  account_id,
  campaign_id,
  mkt_campaign
from pairs
-- A form's tags tell of a visit, so without a click id they count only where no visit shows.
where touch_id is null or visits = 0 or touch_source != 'crm' or click_id is not null
{{ days_together('conversion_date') }}
