CREATE TABLE raw.ads_adgroup_performance (
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  date DATE NOT NULL OPTIONS (description = "Day in the account's own time zone"),
  campaign_id STRING NOT NULL OPTIONS (description = "The platform's campaign id"),
  adgroup_id STRING NOT NULL OPTIONS (
    description = "Ad group (Google, TikTok), asset group (Performance Max), ad set (Meta) or campaign (LinkedIn)"
  ),
  impressions INT64 NOT NULL OPTIONS (description = "Impressions as the platform reports them"),
  clicks INT64 NOT NULL OPTIONS (description = "Clicks as the platform reports them"),
  cost_micros INT64 NOT NULL OPTIONS (description = "Spend in millionths of currency_code"),
  conversions FLOAT64 NOT NULL OPTIONS (
    description = "Conversions the platform claims; restated for up to 30 days"
  ),
  conversion_value FLOAT64 NOT NULL OPTIONS (
    description = "Value of the conversions the platform claims, in currency_code"
  ),
  conversions_1d_click FLOAT64 OPTIONS (description = "Conversions within 1 day of a click"),
  conversions_7d_click FLOAT64 OPTIONS (description = "Conversions within 7 days of a click"),
  conversions_28d_click FLOAT64 OPTIONS (description = "Conversions within 28 days of a click"),
  conversions_1d_view FLOAT64 OPTIONS (description = "Conversions within 1 day of a view"),
  video_views INT64 OPTIONS (description = "Video plays as the platform counts them"),
  video_completions INT64 OPTIONS (description = "Videos played to the end"),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the account"),
  time_zone STRING NOT NULL OPTIONS (
    description = "IANA time zone of the account; date is a day there"
  ),
  attribution_window STRING NOT NULL OPTIONS (
    description = "Window the platform counted conversions in, such as 7d_click"
  ),
  name_hash STRING OPTIONS (
    description = "SHA-256 of the name, to see renames without storing names"
  ),
  status STRING NOT NULL OPTIONS (
    description = "ENABLED, PAUSED or REMOVED when the row was pulled"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (platform, account_id, date, campaign_id, adgroup_id) NOT ENFORCED
)
PARTITION BY date
CLUSTER BY platform, account_id
OPTIONS (
  description
  = "Ad group delivery by day, loaded at its own level: asset groups have no ads. Replaced by platform, account and window.",
  labels = [("account_column", "account_id")]
);
