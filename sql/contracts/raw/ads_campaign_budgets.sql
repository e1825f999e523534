CREATE TABLE raw.ads_campaign_budgets (
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  campaign_id STRING NOT NULL OPTIONS (description = "The platform's campaign id"),
  effective_from DATE NOT NULL OPTIONS (
    description
    = "Day, in the account's time zone, on which the budget was seen; it holds until the next row"
  ),
  daily_budget_micros INT64 NOT NULL OPTIONS (
    description = "Average daily budget in millionths of currency_code"
  ),
  budget_id STRING OPTIONS (
    description
    = "The platform's id of the budget: campaigns of an account with one id spend one budget; NULL where none is told"
  ),
  is_shared BOOL OPTIONS (
    description
    = "Whether the platform calls the budget shared by several campaigns; NULL where it doesn't tell"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the account"),
  time_zone STRING NOT NULL OPTIONS (description = "IANA time zone of the account"),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (platform, account_id, campaign_id, effective_from) NOT ENFORCED
)
CLUSTER BY platform, account_id
OPTIONS (
  description
  = "Campaign budgets, effective-dated: a row holds until the campaign's next effective_from. Replaced by platform, account and window of effective_from.",
  labels = [("account_column", "account_id")]
);
