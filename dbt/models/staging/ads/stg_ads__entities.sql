-- Campaigns, ad groups and ads as last pulled; labels are a text, one a line, since later models are
-- scalar.
select
  platform,
  account_id,
  entity_type,
  entity_id,
  parent_id,
  name,
  status,
  advertising_type,
  array_to_string(labels, chr(10)) as labels,
  _run_id as run_id
from {{ source('raw', 'ads_entities') }}
