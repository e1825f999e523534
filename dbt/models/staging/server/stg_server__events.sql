-- First-party events as landed, each with the key of its device. The cookie's id alone makes the key,
-- as in stg_ga4__events: one cookie serves every property and site of a domain.
with known as (
  select
    *,
    {{ real_id('client_id') }} as known_client_id
  from {{ source('raw', 'server_events') }}
)

select
  site_id,
  event_id,
  event_date,
  occurred_at,
  event_name,
  known_client_id as client_id,
  case
    when known_client_id is not null then {{ surrogate_key(['known_client_id']) }}
  end as client_key,
  user_id,
  email_hash,
  phone_hash,
  {{ real_id(trimmed('order_id')) }} as order_id,
  {{ real_id('gclid') }} as gclid,
  {{ real_id('gbraid') }} as gbraid,
  {{ real_id('wbraid') }} as wbraid,
  {{ real_id('dclid') }} as dclid,
  {{ real_id('fbclid') }} as fbclid,
  {{ real_id('ttclid') }} as ttclid,
  {{ real_id('li_fat_id') }} as li_fat_id,
  page_url,
  value_micros,
  currency_code,
  ip_prefix,
  browser,
  operating_system,
  time_zone,
  _run_id as run_id
from known
