-- Campaigns, ad groups and ads as last pulled; labels stay in raw, since later models are scalar.
select
  platform,
  account_id,
  entity_type,
  entity_id,
  parent_id,
  name,
  status,
  advertising_type,
  _run_id as run_id
from {{ source('raw', 'ads_entities') }}
