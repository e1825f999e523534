{{ config(
  materialized='table', cluster_by=['client_key'], pre_hook='{{ restate_days_of_moved_transactions() }}'
) }}
-- Transactions of devices with the event that sent each first. A purchase is sent again whenever its
-- page is opened again, weeks later too: only the first is one. Which it is, all days tell, so this
-- look-up is made whole, of a row a purchase and day; tables by day join it.
select
  property_id,
  client_key,
  transaction_id,
  event_date as first_date,
  event_key as first_event_key
from {{ ref('int_journeys_purchases') }}
where true
qualify row_number() over (
  partition by property_id, client_key, transaction_id
  order by event_date, event_timestamp, event_key
) = 1
