CREATE TABLE canary.canary_events (
  sequence INT64 NOT NULL OPTIONS (description = "Position in the chain, from 1"),
  event_id STRING NOT NULL OPTIONS (
    description = "SHA-256 over the event's canonical JSON and previous_hash: the link of the chain"
  ),
  previous_hash STRING NOT NULL OPTIONS (
    description = "event_id of the event before; 64 zeros for the first"
  ),
  proposal_id STRING NOT NULL OPTIONS (description = "Proposal it is about; 'ledger' if it is about none"),
  revision INT64 NOT NULL OPTIONS (description = "Revision it is about"),
  content_hash STRING NOT NULL OPTIONS (description = "Content the actor saw; of set_policy: policy_hash; of anchor: the head that was accepted"),
  action STRING NOT NULL OPTIONS (
    description
    = "draft, submit, approve, reject, request_changes, withdraw, supersede, expire, record, mark_stale, revoke; about the ledger: set_policy, anchor"
  ),
  from_state STRING NOT NULL OPTIONS (description = "State before"),
  to_state STRING NOT NULL OPTIONS (description = "State after"),
  actor STRING NOT NULL OPTIONS (description = "Who acted"),
  actor_kind STRING NOT NULL OPTIONS (description = "person or service"),
  comment STRING OPTIONS (description = "What the actor said"),
  occurred_at TIMESTAMP NOT NULL OPTIONS (
    description = "When, UTC; never before the event before it"
  ),
  clock STRING OPTIONS (
    description = "machine, or fixed by the configuration for a simulated world"
  ),
  policy STRING OPTIONS (
    description = "Guardrail settings, reporting currency and time zone in force; canonical JSON"
  ),
  policy_hash STRING OPTIONS (description = "SHA-256 over policy"),
  approvals_needed INT64 OPTIONS (
    description = "Approvals that the proposal needs under the policy; NULL where no rate is known"
  ),
  baseline_hash STRING OPTIONS (
    description = "Of a draft: SHA-256 over its row in canary_budgets_snapshot"
  ),
  anchor STRING OPTIONS (description = "Id of the anchor file that has it"),
  PRIMARY KEY (sequence) NOT ENFORCED
)
CLUSTER BY proposal_id
OPTIONS (description = "Append-only, hash-chained log of who did what, when, to which revision.");
