-- SKAdNetwork postbacks that Apple signed, as landed.
select
  advertiser_id,
  received_date,
  received_at,
  transaction_id,
  postback_sequence_index,
  version,
  ad_network_id,
  campaign_id,
  source_identifier,
  app_id,
  source_app_id,
  source_domain,
  fidelity_type,
  redownload,
  did_win,
  conversion_value,
  coarse_conversion_value,
  conversion_day_first,
  conversion_day_last,
  _run_id as run_id
from {{ source('raw', 'skan_postbacks') }}
