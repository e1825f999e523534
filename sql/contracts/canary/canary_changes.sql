CREATE TABLE canary.canary_changes (
  proposal_id STRING NOT NULL OPTIONS (description = "Approved proposal"),
  revision INT64 NOT NULL OPTIONS (description = "Approved revision"),
  content_hash STRING NOT NULL OPTIONS (description = "Content that was approved"),
  platform STRING NOT NULL OPTIONS (description = "Platform of the campaign"),
  account_id STRING NOT NULL OPTIONS (description = "Account of the campaign"),
  campaign_id STRING NOT NULL OPTIONS (description = "The campaign"),
  target_part STRING OPTIONS (
    description = "Part of the campaign that is changed, such as ad_group:123; NULL where it is the campaign"
  ),
  field STRING NOT NULL OPTIONS (
    description = "What is changed: daily_budget_micros, status, ad_shares, audience_test"
  ),
  from_value STRING NOT NULL OPTIONS (description = "Value before"),
  to_value STRING NOT NULL OPTIONS (description = "Value that would be applied"),
  operation STRING OPTIONS (
    description = "What a person would do on the platform, a step a line: that of the approved proposal"
  ),
  rollback_operation STRING OPTIONS (description = "The steps that undo it"),
  recorded_at TIMESTAMP NOT NULL OPTIONS (description = "When it was recorded, UTC"),
  PRIMARY KEY (proposal_id, revision) NOT ENFORCED
)
CLUSTER BY proposal_id
OPTIONS (
  description = "Shadow changefeed: what would be applied. Nothing reads it into a live campaign."
);
