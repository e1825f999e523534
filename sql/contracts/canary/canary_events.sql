CREATE TABLE canary.canary_events (
  sequence INT64 NOT NULL OPTIONS (description = "Position in the chain, from 1"),
  event_id STRING NOT NULL OPTIONS (
    description = "SHA-256 over the event's canonical JSON and previous_hash: the link of the chain"
  ),
  previous_hash STRING NOT NULL OPTIONS (
    description = "event_id of the event before; 64 zeros for the first"
  ),
  proposal_id STRING NOT NULL OPTIONS (description = "Proposal it is about"),
  revision INT64 NOT NULL OPTIONS (description = "Revision it is about"),
  content_hash STRING NOT NULL OPTIONS (description = "Content the actor saw"),
  action STRING NOT NULL OPTIONS (
    description
    = "submit, approve, reject, request_changes, withdraw, supersede, expire, record, mark_stale, revoke"
  ),
  from_state STRING NOT NULL OPTIONS (description = "State before"),
  to_state STRING NOT NULL OPTIONS (description = "State after"),
  actor STRING NOT NULL OPTIONS (description = "Who acted"),
  actor_kind STRING NOT NULL OPTIONS (description = "person or service"),
  comment STRING OPTIONS (description = "What the actor said"),
  occurred_at TIMESTAMP NOT NULL OPTIONS (description = "When, UTC"),
  PRIMARY KEY (sequence) NOT ENFORCED
)
CLUSTER BY proposal_id
OPTIONS (description = "Append-only, hash-chained log of who did what, when, to which revision.");
