CREATE TABLE raw.ads_clicks (
  platform STRING NOT NULL OPTIONS (description = "google_ads: the only one that tells"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  date DATE NOT NULL OPTIONS (description = "Day in the account's own time zone"),
  click_id STRING NOT NULL OPTIONS (description = "gclid of the click"),
  campaign_id STRING NOT NULL OPTIONS (description = "The platform's campaign id"),
  adgroup_id STRING OPTIONS (description = "The platform's ad group id, NULL for none"),
  ad_id STRING OPTIONS (description = "The platform's ad id, NULL for none"),
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
  PRIMARY KEY (platform, account_id, click_id) NOT ENFORCED
)
PARTITION BY date
CLUSTER BY platform, account_id
OPTIONS (
  description
  = "Clicks by click id: ties a visit to its campaign. Google keeps 90 days. Replaced by platform, account and window.",
  labels = [("account_column", "account_id")]
);
