CREATE TABLE contracts.audience_findings (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  finding STRING NOT NULL OPTIONS (
    description = "exclusion_missing, overlap, too_many_learning, too_small_to_learn, window_shorter_than_lag or audience_too_small"
  ),
  adgroup_ids STRING NOT NULL OPTIONS (description = "The ad sets that it is about, one a line"),
  severity STRING NOT NULL OPTIONS (description = "HIGH, MEDIUM or LOW"),
  spend_micros_28d INT64 NOT NULL OPTIONS (
    description = "What they spent in 28 days, in millionths of currency_code"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the account"),
  reason STRING NOT NULL OPTIONS (description = "What is wrong, in sentences with the numbers"),
  fix STRING NOT NULL OPTIONS (description = "What to do about it"),
  evidence STRING NOT NULL OPTIONS (description = "What it rests on: a JSON object"),
  PRIMARY KEY (run_id, platform, account_id, finding, adgroup_ids) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "Mistakes in what ad sets are set to, by name, with evidence and what to do."
);
