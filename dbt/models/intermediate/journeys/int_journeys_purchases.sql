{{ config(by_day('event_date', ['raw.ga4_events'], cluster_by=['client_key'])) }}
-- Purchases that devices sent, by day: of each transaction the first of the day.
with purchases as (
  select *
  from {{ ref('stg_ga4__events') }}
  where
    {{ restated('event_date') }}
    and event_name = 'purchase'
    and client_key is not null
    and transaction_id is not null
)

select
  property_id,
  event_date,
  client_key,
  transaction_id,
  event_timestamp,
  event_key
from purchases
where true
qualify
  row_number() over (
    partition by property_id, event_date, client_key, transaction_id
    order by event_timestamp, event_key, run_id
  ) = 1
{{ days_together('event_date') }}
