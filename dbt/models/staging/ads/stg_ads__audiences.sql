-- Audiences of ad accounts as last pulled.
select
  platform,
  account_id,
  audience_id,
  name,
  kind,
  retention_days,
  people_at_least,
  people_at_most,
  is_usable,
  _run_id as run_id
from {{ source('raw', 'ads_audiences') }}
