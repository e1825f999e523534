CREATE TABLE canary.canary_head (
  chain STRING NOT NULL OPTIONS (description = "Always canary_events: one chain, one row"),
  sequence INT64 NOT NULL OPTIONS (description = "Sequence of the last event"),
  event_id STRING NOT NULL OPTIONS (description = "event_id of the last event"),
  PRIMARY KEY (chain) NOT ENFORCED
)
OPTIONS (
  description
  = "Head of the event chain, outside the event table. Every append compares and sets it, so that two people deciding at once make one decision and one refusal."
);
