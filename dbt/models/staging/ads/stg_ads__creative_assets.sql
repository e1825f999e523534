-- What ads say and show, a row a text or image, as last pulled.
select
  platform,
  account_id,
  ad_id,
  field,
  position,
  text,
  asset_id,
  image_sha256,
  image_missing_because,
  _run_id as run_id
from {{ source('raw', 'creative_assets') }}
