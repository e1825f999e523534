-- Ad clicks by click id, as landed: what ties a visit to its campaign, ad group and ad.
select
  platform,
  account_id,
  date,
  click_id,
  campaign_id,
  adgroup_id,
  ad_id,
  time_zone,
  _run_id as run_id
from {{ source('raw', 'ads_clicks') }}
