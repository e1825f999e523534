CREATE TABLE raw.ads_conversion_action_stats (
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  date DATE NOT NULL OPTIONS (description = "Day in the account's own time zone"),
  campaign_id STRING NOT NULL OPTIONS (description = "The platform's campaign id"),
  conversion_action STRING NOT NULL OPTIONS (
    description = "The platform's id of the conversion action, or its action type"
  ),
  conversion_action_name STRING OPTIONS (description = "Its name as the platform shows it"),
  category STRING OPTIONS (description = "PURCHASE, SUBMIT_LEAD_FORM, …; upper case"),
  conversions FLOAT64 NOT NULL OPTIONS (
    description = "Conversions the platform counts as such; restated for up to 90 days"
  ),
  conversion_value FLOAT64 NOT NULL OPTIONS (description = "Their value, in currency_code"),
  all_conversions FLOAT64 NOT NULL OPTIONS (
    description = "Conversions with those the platform does not bid for"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the account"),
  time_zone STRING NOT NULL OPTIONS (
    description = "IANA time zone of the account; date is a day there"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (platform, account_id, date, campaign_id, conversion_action) NOT ENFORCED
)
PARTITION BY date
CLUSTER BY platform, account_id
OPTIONS (
  description
  = "What each conversion action counted, by campaign and day. Replaced by platform, account and window.",
  labels = [("account_column", "account_id")]
);
