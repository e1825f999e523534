CREATE TABLE raw.ga4_events (
  property_id STRING NOT NULL OPTIONS (description = "GA4 property"),
  event_date DATE NOT NULL OPTIONS (description = "Day in the property's time zone"),
  event_timestamp INT64 NOT NULL OPTIONS (description = "Microseconds since the epoch, UTC"),
  event_name STRING NOT NULL OPTIONS (description = "page_view, session_start, purchase, …"),
  event_params ARRAY<STRUCT<key STRING, value STRUCT<string_value STRING, int_value INT64, float_value FLOAT64, double_value FLOAT64>>> OPTIONS (description = "The export's own event parameters"),
  user_id STRING OPTIONS (description = "Salted SHA-256 of the site's user id"),
  user_pseudo_id STRING OPTIONS (
    description
    = "The export's device id; NULL, with consent, where an event was sent without one: not one person"
  ),
  stream_id STRING OPTIONS (description = "Data stream of the property"),
  batch_page_id INT64 OPTIONS (description = "Order of the page within the session"),
  batch_ordering_id INT64 OPTIONS (description = "Order of the batch within the page"),
  batch_event_index INT64 OPTIONS (description = "Order of the event within the batch"),
  privacy_info STRUCT<
    analytics_storage STRING, ads_storage STRING, uses_transient_token STRING
  > OPTIONS (description = "Consent as the export gives it"),
  collected_traffic_source STRUCT<
    manual_source STRING,
    manual_medium STRING,
    manual_campaign_id STRING,
    manual_campaign_name STRING,
    gclid STRING,
    dclid STRING,
    srsltid STRING
  > OPTIONS (description = "Traffic source collected with the event"),
  session_traffic_source_last_click STRUCT<
    manual_campaign STRUCT<campaign_id STRING, campaign_name STRING, source STRING, medium STRING>,
    google_ads_campaign STRUCT<customer_id STRING, campaign_id STRING>
  > OPTIONS (
    description
    = "Last-click source of the session: prefer it for sessions. NULL in an intraday export"
  ),
  device STRUCT<
    category STRING, operating_system STRING, web_info STRUCT<browser STRING>
  > OPTIONS (description = "Device of the event"),
  geo STRUCT<country STRING, region STRING> OPTIONS (description = "Coarse place of the event"),
  ecommerce STRUCT<transaction_id STRING, purchase_revenue FLOAT64> OPTIONS (
    description = "Purchase fields"
  ),
  items ARRAY<STRUCT<item_id STRING, item_name STRING, item_category STRING>> OPTIONS (
    description = "Items that the event is about, as the site names them"
  ),
  search_term STRING OPTIONS (
    description
    = "What was searched for on the site, without e-mail addresses and numbers of people; NULL unless sources.ga4_export.searches is set"
  ),
  event_key STRING NOT NULL OPTIONS (
    description
    = "SHA-256 over device, timestamp, name and the three batch ordering fields, and the content where one of them is missing"
  ),
  gclid STRING OPTIONS (
    description
    = "Google Ads click id: collected, else a parameter, else in the page's address; NULL where ads_storage was refused. Its traffic is paid, whatever the medium says"
  ),
  wbraid STRING OPTIONS (description = "Google's click id for web conversions from iOS, as gclid"),
  gbraid STRING OPTIONS (description = "Google's click id for app conversions from iOS, as gclid"),
  dclid STRING OPTIONS (description = "Display & Video 360 or Campaign Manager click id, as gclid"),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (property_id, event_date, event_key) NOT ENFORCED
)
PARTITION BY event_date
CLUSTER BY property_id, event_name
OPTIONS (
  description
  = "The GA4 BigQuery export, in its own shape, less events without analytics consent. Replaced by property and window of event_date.",
  labels = [("account_column", "property_id")]
);
