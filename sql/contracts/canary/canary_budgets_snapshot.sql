CREATE TABLE canary.canary_budgets_snapshot (
  proposal_id STRING NOT NULL OPTIONS (description = "Proposal made against this baseline"),
  revision INT64 NOT NULL OPTIONS (description = "Its revision"),
  platform STRING NOT NULL OPTIONS (description = "Platform of the campaign"),
  account_id STRING NOT NULL OPTIONS (description = "Account of the campaign"),
  campaign_id STRING NOT NULL OPTIONS (description = "The campaign"),
  daily_budget_micros INT64 NOT NULL OPTIONS (description = "Daily budget when proposed"),
  status STRING NOT NULL OPTIONS (description = "Status when proposed"),
  currency_code STRING NOT NULL OPTIONS (description = "Currency of the budget"),
  as_of DATE NOT NULL OPTIONS (description = "Day the baseline was read for"),
  PRIMARY KEY (proposal_id, revision) NOT ENFORCED
)
CLUSTER BY proposal_id
OPTIONS (
  description
  = "The baseline each proposal was made against; a difference when recording makes it STALE."
);
