CREATE TABLE raw.skan_postbacks (
  advertiser_id STRING NOT NULL OPTIONS (
    description = "Advertiser whose endpoint received the postback"
  ),
  received_date DATE NOT NULL OPTIONS (description = "UTC day of the first reception"),
  received_at TIMESTAMP NOT NULL OPTIONS (
    description = "Instant of the first reception, UTC; days to weeks after the install, by design"
  ),
  framework STRING OPTIONS (
    description = "skadnetwork or adattributionkit; NULL in rows of before the latter: skadnetwork"
  ),
  transaction_id STRING NOT NULL OPTIONS (
    description = "Apple's id of the attribution: transaction-id, or postback-identifier"
  ),
  postback_sequence_index INT64 NOT NULL OPTIONS (
    description = "0, 1 or 2: which of an attribution's postbacks; 0 before version 4"
  ),
  version STRING OPTIONS (
    description = "SKAdNetwork version: 2.2, 3.0 or 4.0; NULL for AdAttributionKit"
  ),
  ad_network_id STRING NOT NULL OPTIONS (description = "Ad network that signed the ad"),
  campaign_id STRING OPTIONS (description = "The network's campaign number; versions up to 3"),
  source_identifier STRING OPTIONS (
    description
    = "Two, three or four digits of the network's source identifier, as many as privacy allows; version 4 and AdAttributionKit. A text: leading zeros count. NULL where it was none"
  ),
  app_id STRING NOT NULL OPTIONS (description = "App Store id of the advertised app"),
  source_app_id STRING OPTIONS (
    description = "App Store id of the app that showed the ad; NULL below Apple's privacy threshold"
  ),
  source_domain STRING OPTIONS (
    description = "Site that showed the ad, for web ads; NULL below Apple's privacy threshold"
  ),
  fidelity_type INT64 OPTIONS (
    description = "0 view-through, 1 StoreKit or web click; NULL for AdAttributionKit"
  ),
  redownload BOOL OPTIONS (
    description = "The app had been installed before; NULL for a re-engagement, where it is"
  ),
  did_win BOOL NOT NULL OPTIONS (
    description = "The network won the attribution; before version 3 only the winner is told"
  ),
  conversion_value INT64 OPTIONS (
    description
    = "Fine conversion value, 0 to 63, of the first postback; not signed by Apple. NULL where it can't be"
  ),
  coarse_conversion_value STRING OPTIONS (
    description = "low, medium or high; not signed by Apple. NULL where it can't be"
  ),
  conversion_day_first INT64 OPTIONS (
    description
    = "First day after the first launch that the conversion value tells of: 0, 3 or 8; NULL before version 4"
  ),
  conversion_day_last INT64 OPTIONS (
    description
    = "Last day after the first launch that the conversion value tells of: 2, 7 or 35; NULL before version 4"
  ),
  conversion_type STRING OPTIONS (
    description = "download, redownload or re-engagement; the last by AdAttributionKit only"
  ),
  ad_interaction_type STRING OPTIONS (
    description = "AdAttributionKit: view or click; not signed by Apple"
  ),
  impression_type STRING OPTIONS (description = "AdAttributionKit: app-impression, …"),
  marketplace_id STRING OPTIONS (
    description = "AdAttributionKit: bundle id of the marketplace that the app came from"
  ),
  country_code STRING OPTIONS (
    description
    = "ISO 3166 country of the installation, where the crowd is large; not signed by Apple"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (advertiser_id, transaction_id, postback_sequence_index) NOT ENFORCED
)
PARTITION BY received_date
CLUSTER BY advertiser_id, ad_network_id
OPTIONS (
  description
  = "Postbacks of SKAdNetwork and AdAttributionKit that Apple signed, each once, however often it was sent. Replaced by advertiser and window of received_date.",
  labels = [("account_column", "advertiser_id")]
);
