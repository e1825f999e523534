-- Leads as they are now, as landed.
select
  crm,
  account_id,
  lead_id,
  created_date,
  created_at,
  updated_at,
  email_hash,
  phone_hash,
  status,
  raw_status,
  lead_source,
  {{ traffic_source('utm_source') }} as utm_source,
  {{ traffic_medium('utm_medium') }} as utm_medium,
  utm_campaign,
  {{ real_id('gclid') }} as gclid,
  {{ real_id('fbclid') }} as fbclid,
  {{ real_id('ttclid') }} as ttclid,
  {{ real_id('li_fat_id') }} as li_fat_id,
  opportunity_id,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'crm_leads') }}
