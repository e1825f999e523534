CREATE TABLE raw.ads_adgroup_settings (
  platform STRING NOT NULL OPTIONS (description = "meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  adgroup_id STRING NOT NULL OPTIONS (description = "Ad group (Google, TikTok) or ad set (Meta)"),
  effective_from DATE NOT NULL OPTIONS (
    description
    = "Day, in the account's time zone, on which the settings were seen; they hold until the next row"
  ),
  campaign_id STRING NOT NULL OPTIONS (description = "The platform's id of its campaign"),
  status STRING NOT NULL OPTIONS (description = "ENABLED, PAUSED or REMOVED when pulled"),
  daily_budget_micros INT64 OPTIONS (
    description
    = "Its own daily budget in millionths of currency_code; NULL where it spends its campaign's"
  ),
  starts_on DATE OPTIONS (
    description = "Day, in the account's time zone, on which it starts; NULL where it isn't told"
  ),
  learning_phase STRING OPTIONS (
    description
    = "LEARNING, LEARNED or LIMITED (too few conversions to learn from); NULL where it isn't told"
  ),
  edited_at TIMESTAMP OPTIONS (
    description = "Last edit that began learning anew, in UTC; NULL where it isn't told"
  ),
  countries ARRAY<STRING> OPTIONS (description = "ISO 3166 codes of the countries it is shown in"),
  audience_ids ARRAY<STRING> OPTIONS (description = "Ids of the audiences it is shown to"),
  excluded_audience_ids ARRAY<STRING> OPTIONS (
    description = "Ids of the audiences it is kept from"
  ),
  is_audience_expanded BOOL OPTIONS (
    description
    = "Whether the platform may go beyond the audiences (Meta's Advantage+ audience); NULL where it isn't told"
  ),
  age_min INT64 OPTIONS (description = "Youngest age in years; NULL where it isn't told"),
  age_max INT64 OPTIONS (description = "Oldest age in years; NULL where it isn't told"),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the account"),
  time_zone STRING NOT NULL OPTIONS (description = "IANA time zone of the account"),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (platform, account_id, adgroup_id, effective_from) NOT ENFORCED
)
CLUSTER BY platform, account_id
OPTIONS (
  description
  = "What ad groups are set to, effective-dated: a row holds until the ad group's next effective_from. Replaced by platform, account and window of effective_from.",
  labels = [("account_column", "account_id")]
);
