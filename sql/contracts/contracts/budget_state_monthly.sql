CREATE TABLE contracts.budget_state_monthly (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  month DATE NOT NULL OPTIONS (description = "First day of the month"),
  effective_from DATE NOT NULL OPTIONS (
    description
    = "Day that the state is of, in the account's time zone; it holds until the next run's"
  ),
  days_left INT64 NOT NULL OPTIONS (
    description = "Days of the month from effective_from on, which counts"
  ),
  planned_micros INT64 NOT NULL OPTIONS (
    description = "Planned for the whole month, in millionths of currency_code"
  ),
  planned_by STRING NOT NULL OPTIONS (
    description
    = "setting (jobs.rules.monthly_budgets) or daily_budgets: what the budgets of now come to in the month"
  ),
  spent_micros INT64 NOT NULL OPTIONS (description = "Spent in the month before effective_from"),
  committed_micros INT64 NOT NULL OPTIONS (
    description = "What the budgets of now come to in the days that are left"
  ),
  left_micros INT64 NOT NULL OPTIONS (
    description = "Planned less spent; negative where more was spent than planned"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the account"),
  note STRING NOT NULL OPTIONS (
    description = "What that means for the days that are left, and for the last of them"
  ),
  PRIMARY KEY (run_id, platform, account_id) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "What is planned, spent, committed and left of an account's money in a month, as of each run of the rules."
);
