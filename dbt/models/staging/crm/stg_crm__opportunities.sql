-- Opportunities as they are now, as landed.
select
  crm,
  account_id,
  opportunity_id,
  created_date,
  created_at,
  updated_at,
  closed_at,
  stage,
  is_won,
  is_closed,
  amount_micros,
  currency_code,
  {{ real_id('lead_id') }} as lead_id,
  email_hash,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'crm_opportunities') }}
