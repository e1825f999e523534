CREATE TABLE contracts.rules_allocations (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  date DATE NOT NULL OPTIONS (
    description = "Day that the budget is for, in the account's time zone"
  ),
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  campaign_id STRING NOT NULL OPTIONS (description = "The platform's campaign id"),
  adgroup_id STRING NOT NULL OPTIONS (
    description = "Ad group or ad set; (all) for a campaign that holds its budget itself"
  ),
  direction STRING NOT NULL OPTIONS (
    description = "RAISED, CUT or KEPT; FROZEN where a rule of safety forbids a change"
  ),
  budget_micros INT64 NOT NULL OPTIONS (
    description = "Daily budget now, in millionths of currency_code"
  ),
  after_safety_micros INT64 NOT NULL OPTIONS (
    description = "Daily budget after the rules of safety"
  ),
  after_decision_micros INT64 NOT NULL OPTIONS (
    description = "Daily budget after the rules of decision"
  ),
  proposed_micros INT64 NOT NULL OPTIONS (
    description = "Daily budget after all rules, as it can be paid in currency_code"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the account"),
  rules STRING NOT NULL OPTIONS (
    description = "The rules that had a part in it: a JSON array of rule, layer and reason, in order"
  ),
  reason STRING NOT NULL OPTIONS (description = "Their reasons, in sentences"),
  order_roas_index_28d FLOAT64 OPTIONS (
    description = "What the order book credits for the spend of 28 days, over that of the account; NULL where it isn't known"
  ),
  conversions_28d FLOAT64 OPTIONS (
    description = "Conversions of 28 days that the platform claims"
  ),
  PRIMARY KEY (run_id, platform, account_id, campaign_id, adgroup_id) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "Daily budgets of ad sets, and of campaigns that hold their own, after each layer of rules."
);
