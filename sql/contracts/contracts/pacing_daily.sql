CREATE TABLE contracts.pacing_daily (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  campaign_id STRING NOT NULL OPTIONS (
    description = "The platform's campaign id; of a shared budget, shared_budget: and its id"
  ),
  date DATE NOT NULL OPTIONS (
    description = "Day of the month of as_of, in the account's time zone"
  ),
  cost_micros INT64 OPTIONS (
    description
    = "Spend of the day; NULL where no data was published, which is not zero spend, and before the account changed its currency"
  ),
  mtd_cost_micros INT64 OPTIONS (description = "Month to date"),
  mtd_target_micros INT64 OPTIONS (
    description
    = "Month to date that the budget, shaped by weekday and holiday, expects; NULL where no budget is known"
  ),
  month_target_micros INT64 OPTIONS (description = "Target of the whole month"),
  month_forecast_micros INT64 OPTIONS (
    description = "Month-end forecast from the last seven days' pace"
  ),
  month_forecast_low_micros INT64 OPTIONS (
    description = "Lower end of the forecast's 95% interval; NULL where no budget is known"
  ),
  month_forecast_high_micros INT64 OPTIONS (
    description = "Upper end of the forecast's 95% interval"
  ),
  pace FLOAT64 OPTIONS (description = "Month to date over its target; 1 is on pace"),
  classification STRING NOT NULL OPTIONS (
    description
    = "HEALTHY (within 10%), WARNING (10 to 25%), CRITICAL (over 25%, or zero delivery), NO_DATA, NO_BUDGET"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "Currency of the amounts"),
  shared_budget_id STRING OPTIONS (
    description = "The budget, where several campaigns share it; NULL where the row is a campaign's"
  ),
  PRIMARY KEY (run_id, platform, account_id, campaign_id, date) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "Month-to-date pacing by day of each campaign, and of each shared budget once for its campaigns together.");
