CREATE TABLE raw.ads_account_performance (
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  date DATE NOT NULL OPTIONS (description = "Day in the account's own time zone"),
  impressions INT64 NOT NULL OPTIONS (description = "Impressions as the platform reports them"),
  clicks INT64 NOT NULL OPTIONS (description = "Clicks as the platform reports them"),
  cost_micros INT64 NOT NULL OPTIONS (
    description
    = "Spend in millionths of currency_code, as the platform sums it; campaigns must sum to it"
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
  PRIMARY KEY (platform, account_id, date) NOT ENFORCED
)
PARTITION BY date
CLUSTER BY platform, account_id
OPTIONS (
  description
  = "Account delivery by day, asked for at account level: what the campaigns' spend is checked against. Replaced by platform, account and window.",
  labels = [("account_column", "account_id")]
);
