-- Which variation of an experiment a device was shown, by GrowthBook's convention: events called
-- experiment_viewed, with parameters experiment_id and variation_id. Repeated events are one.
with extracted as (
  select
    property_id,
    {{ real_id('user_pseudo_id') }} as user_pseudo_id,
    {{ instant_from_micros('event_timestamp') }} as event_at,
    nullif({{ trimmed(event_param('experiment_id', 'string_value')) }}, '') as experiment_id,
    coalesce(
      nullif({{ trimmed(event_param('variation_id', 'string_value')) }}, ''),
      cast({{ event_param('variation_id', 'int_value') }} as {{ dbt.type_string() }})
    ) as variation_id,
    device.category as device_category,
    geo.country
  from {{ source('raw', 'ga4_events') }}
  where event_name = 'experiment_viewed'
),

keyed as (
  select *, {{ surrogate_key(['user_pseudo_id']) }} as client_key
  from extracted
  where user_pseudo_id is not null and experiment_id is not null and variation_id is not null
)

select
  property_id,
  client_key,
  experiment_id,
  variation_id,
  event_at,
  min(device_category) as device_category,
  min(country) as country
from keyed
group by property_id, client_key, experiment_id, variation_id, event_at
