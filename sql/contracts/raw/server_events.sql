CREATE TABLE raw.server_events (
  site_id STRING NOT NULL OPTIONS (description = "Site whose servers sent the event"),
  event_id STRING NOT NULL OPTIONS (description = "The sender's id of the event"),
  event_date DATE NOT NULL OPTIONS (
    description = "Day in the site's time zone on which the event occurred"
  ),
  occurred_at TIMESTAMP NOT NULL OPTIONS (description = "Instant of the event, UTC"),
  event_name STRING NOT NULL OPTIONS (description = "page_view, purchase, …"),
  client_id STRING OPTIONS (
    description
    = "Device: id in the first-party cookie (_ga); equals ga4_events.user_pseudo_id of the device"
  ),
  user_id STRING OPTIONS (
    description = "Salted SHA-256 of the site's user id; equals orders.customer_id of the person"
  ),
  email_hash STRING OPTIONS (description = "Salted SHA-256 of the normalised e-mail address"),
  phone_hash STRING OPTIONS (description = "Salted SHA-256 of the phone number in E.164"),
  order_id STRING OPTIONS (description = "The shop's order id, for purchases"),
  gclid STRING OPTIONS (description = "Google click id"),
  gbraid STRING OPTIONS (description = "Google click id of app campaigns"),
  wbraid STRING OPTIONS (description = "Google click id of web campaigns on iOS"),
  dclid STRING OPTIONS (description = "Google Marketing Platform click id"),
  fbclid STRING OPTIONS (description = "Meta click id"),
  ttclid STRING OPTIONS (description = "TikTok click id"),
  li_fat_id STRING OPTIONS (description = "LinkedIn click id"),
  page_url STRING OPTIONS (
    description = "Page without user, query and fragment; e-mail addresses are blotted out"
  ),
  value_micros INT64 OPTIONS (description = "Value in millionths of currency_code"),
  currency_code STRING OPTIONS (description = "ISO 4217 currency of the value"),
  ip_prefix STRING OPTIONS (description = "The /24 (IPv4) or /48 (IPv6) network of the visitor"),
  browser STRING OPTIONS (description = "Family of the visitor's browser"),
  operating_system STRING OPTIONS (
    description = "Family of the visitor's operating system, without its version"
  ),
  time_zone STRING NOT NULL OPTIONS (description = "IANA time zone of the site"),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (site_id, event_id) NOT ENFORCED
)
PARTITION BY event_date
CLUSTER BY site_id, event_name
OPTIONS (
  description
  = "First-party events whose TCF v2 consent string allowed them. Replaced by site and window of event_date.",
  labels = [("account_column", "site_id")]
);
