CREATE TABLE canary.canary_proposals (
  proposal_id STRING NOT NULL OPTIONS (
    description
    = "Derived from kind, target, baseline and evidence: the same finding has the same id"
  ),
  revision INT64 NOT NULL OPTIONS (
    description = "From 1; an edit is a new revision and voids approvals"
  ),
  kind STRING NOT NULL OPTIONS (description = "budget_shift, pause, …"),
  platform STRING NOT NULL OPTIONS (description = "Platform of the target"),
  account_id STRING NOT NULL OPTIONS (description = "Account of the target"),
  campaign_id STRING NOT NULL OPTIONS (description = "Campaign of the target"),
  target_part STRING OPTIONS (
    description = "Part of the campaign that is the target, such as ad_group:123; NULL where it is the campaign"
  ),
  target_name STRING OPTIONS (description = "Name of the campaign when proposed"),
  current_value STRING NOT NULL OPTIONS (
    description = "Value now: daily budget in micros, status, or canonical JSON of what the kind changes"
  ),
  proposed_value STRING NOT NULL OPTIONS (description = "Value proposed, in the same unit"),
  delta_micros INT64 OPTIONS (description = "Change of the daily budget in micros"),
  delta_percent FLOAT64 OPTIONS (description = "Change in percent of the current value"),
  currency_code STRING NOT NULL OPTIONS (description = "Currency of the amounts"),
  urgency STRING NOT NULL OPTIONS (description = "ROUTINE or URGENT"),
  expected_effect STRING NOT NULL OPTIONS (
    description = "Weekly orders, revenue and CAC as p10, p50, p90; canonical JSON"
  ),
  evidence STRING NOT NULL OPTIONS (
    description = "Job run ids and the rows the proposal rests on; canonical JSON"
  ),
  guardrails STRING NOT NULL OPTIONS (description = "Verdict of each guardrail; canonical JSON"),
  verdict STRING NOT NULL OPTIONS (
    description = "PASS, FAIL, INCONCLUSIVE or NO_DATA; only PASS can be approved"
  ),
  certificate STRING NOT NULL OPTIONS (
    description = "Every constraint with its bound, value and whether it binds; canonical JSON"
  ),
  rollback STRING NOT NULL OPTIONS (description = "The inverse change; canonical JSON"),
  operation STRING OPTIONS (
    description = "What a person would do on the platform, a step a line; NULL in rows of before it was written"
  ),
  rollback_operation STRING OPTIONS (description = "The steps that undo it"),
  created_by STRING NOT NULL OPTIONS (description = "Who or what proposed"),
  as_of DATE NOT NULL OPTIONS (description = "Day of the evidence"),
  expires_at TIMESTAMP NOT NULL OPTIONS (
    description = "After this instant nobody can decide on it, UTC"
  ),
  content_hash STRING NOT NULL OPTIONS (
    description = "SHA-256 over all fields above; an approval binds to it"
  ),
  PRIMARY KEY (proposal_id, revision) NOT ENFORCED
)
CLUSTER BY proposal_id
OPTIONS (description = "Immutable revisions of proposals. States are in canary_events.");
