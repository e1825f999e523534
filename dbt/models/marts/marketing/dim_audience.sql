-- Every audience that a platform lists.
select
  platform,
  account_id,
  audience_id,
  name as audience_name,
  kind as audience_kind,
  retention_days,
  people_at_least,
  people_at_most,
  is_usable
from {{ ref('stg_ads__audiences') }}
