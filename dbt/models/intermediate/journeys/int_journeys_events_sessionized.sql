{{ config(by_day('event_date', ['raw.ga4_events'], after=1, cluster_by=['client_key'])) }}
-- Events of known devices, each once and with its session: a device's events on a property in order
-- of time, a new session where more than 30 minutes passed since the event before. The export's
-- session_start is not used: it is missing or doubled too often.
--
-- A session is known by its device and first instant, so that a day needs no count over history. Of
-- a session that began on the day before, that day is read, too: a device that pauses nowhere for
-- 30 minutes during a whole calendar day begins a new session there, unless everything is built.

-- A NULL sorts first on one engine and last on the other.
{% set in_order -%}
  event_timestamp,
      coalesce(batch_page_id, 0),
      coalesce(batch_ordering_id, 0),
      coalesce(batch_event_index, 0),
      event_key,
      event_date,
      run_id
{%- endset %}

with known as (
  select *
  from {{ ref('stg_ga4__events') }}
  where
    {{ restated('event_date', before=1) }}
    and client_key is not null
),

-- Both windows are over one order: sorting is what this costs.
spaced as (
  select
    *,
    row_number() over (partition by property_id, client_key order by {{ in_order }}) as place,
    event_timestamp - lag(event_timestamp) over (
      partition by property_id, client_key
      order by {{ in_order }}
    ) as micros_since_previous,
    lag(event_key) over (
      partition by property_id, client_key
      order by {{ in_order }}
    ) as previous_key,
    lag(event_date) over (
      partition by property_id, client_key
      order by {{ in_order }}
    ) as previous_date
  from known
),

marked as (
  select
    *,
    micros_since_previous is null or micros_since_previous > 30 * 60 * 1000000 as is_start,
    -- Landing gives an event once; where another way of loading does not, the two stand together.
    coalesce(previous_key = event_key and previous_date = event_date, false) as is_repeat
  from spaced
),

started as (
  select
    *,
    max(case when is_start then event_timestamp end) over (
      partition by property_id, client_key
      order by {{ in_order }}
      rows between unbounded preceding and current row
    ) as session_timestamp,
    max(case when is_start then place end) over (
      partition by property_id, client_key
      order by {{ in_order }}
      rows between unbounded preceding and current row
    ) as start_place,
    last_value(case when is_start then event_date end ignore nulls) over (
      partition by property_id, client_key
      order by {{ in_order }}
      rows between unbounded preceding and current row
    ) as session_date
  from marked
),

sessionized as (
  select
    *,
    {{ surrogate_key(['property_id', 'client_key', 'session_timestamp']) }} as session_id,
    place - start_place + 1 as event_number
  from started
  where
    {{ restated('event_date') }}
    and not is_repeat
)

select
  property_id,
  event_date,
  event_timestamp,
  event_at,
  event_name,
  event_key,
  client_key,
  session_id,
  session_date,
  event_number,
  session_key,
  user_id,
  ga_session_id,
  ga_session_number,
  engagement_time_msec,
  page_location,
  page_referrer,
  source,
  medium,
  campaign,
  campaign_id,
  {{ click_ids() | join(',\n  ') }},
  session_source,
  session_medium,
  session_campaign,
  session_campaign_id,
  session_google_ads_account_id,
  session_google_ads_campaign_id,
  device_category,
  browser,
  operating_system,
  country,
  region,
  transaction_id,
  purchase_revenue_micros,
  currency_code
from sessionized
{{ days_together('event_date') }}
