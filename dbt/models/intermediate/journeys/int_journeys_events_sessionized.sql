{{ config(
  materialized='table',
  partition_by=daily_partitions('event_date'),
  cluster_by=['client_key']
) }}
-- Events of known devices, each with its session: a device's events in order of time, a new session
-- where more than 30 minutes passed since the event before. The export's session_start is not used:
-- it is missing or doubled too often.

-- A NULL sorts first on one engine and last on the other.
{% set in_order -%}
  event_timestamp,
      coalesce(batch_page_id, 0),
      coalesce(batch_ordering_id, 0),
      coalesce(batch_event_index, 0),
      event_key
{%- endset %}

with spaced as (
  select
    *,
    event_timestamp - lag(event_timestamp) over (
      partition by client_key
      order by {{ in_order }}
    ) as micros_since_previous
  from {{ ref('stg_ga4__events') }}
  where client_key is not null
),

numbered as (
  select
    *,
    cast(sum(
      case
        when micros_since_previous is null or micros_since_previous > 30 * 60 * 1000000 then 1
        else 0
      end
    ) over (
      partition by client_key
      order by {{ in_order }}
      rows between unbounded preceding and current row
    ) as {{ dbt.type_bigint() }}) as session_number
  from spaced
)

select
  property_id,
  event_date,
  event_timestamp,
  event_at,
  event_name,
  event_key,
  client_key,
  session_number,
  row_number() over (
    partition by client_key, session_number
    order by {{ in_order }}
  ) as event_number,
  session_key,
  user_id,
  ga_session_id,
  engagement_time_msec,
  page_location,
  page_referrer,
  source,
  medium,
  campaign,
  gclid,
  fbclid,
  ttclid,
  device_category,
  country,
  transaction_id,
  purchase_revenue_micros
from numbered
