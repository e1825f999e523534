CREATE TABLE contracts.pacing_alerts (
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
  detector STRING NOT NULL OPTIONS (
    description = "overspend, underspend, month_end, hard_cap, zero_delivery, data_missing"
  ),
  severity STRING NOT NULL OPTIONS (description = "WARNING or CRITICAL"),
  since DATE NOT NULL OPTIONS (description = "First day of the fault as seen at as_of"),
  pace FLOAT64 OPTIONS (description = "Month to date over target when raised"),
  z FLOAT64 OPTIONS (
    description
    = "Of overspend and underspend: the deviation by which it was noticed, in standard deviations of the campaign's own noise; else NULL"
  ),
  message STRING NOT NULL OPTIONS (description = "What happened, in a sentence"),
  cause STRING OPTIONS (
    description
    = "What coincides with the fault in the data: a budget change, a pause, a holiday, other campaigns of the account, prices, tracking; it proves no cause; NULL where nothing does"
  ),
  mitigation STRING OPTIONS (description = "What a person may do about it"),
  mtd_cost_micros INT64 OPTIONS (description = "Month to date"),
  mtd_target_micros INT64 OPTIONS (description = "Month to date expected"),
  daily_budget_micros INT64 OPTIONS (description = "Daily budget on as_of"),
  recent_daily_micros INT64 OPTIONS (description = "Mean daily spend of the last five days"),
  currency_code STRING NOT NULL OPTIONS (description = "Currency of the amounts"),
  shared_budget_id STRING OPTIONS (
    description = "The budget, where several campaigns share it; NULL where the fault is a campaign's"
  ),
  PRIMARY KEY (run_id, platform, account_id, campaign_id, detector) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "Faults open at as_of, one row a campaign, or shared budget, and detector.");
