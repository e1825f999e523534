CREATE TABLE contracts.safety_events (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  event STRING NOT NULL OPTIONS (
    description
    = "gate_closed: predictions don't hold; input_drift: a daily series moved; input_vanished: less than a tenth of it is left; channel_moved: what a channel claims a click did"
  ),
  subject STRING NOT NULL OPTIONS (description = "The evaluation, or the series"),
  severity STRING NOT NULL OPTIONS (
    description = "CRITICAL: proposals that rest on it stop; WARNING: a person should look"
  ),
  value FLOAT64 OPTIONS (description = "Its mape, or the distance of recent days from those before"),
  bound FLOAT64 OPTIONS (description = "Bound that it passed, where there is one"),
  message STRING NOT NULL OPTIONS (description = "What happened and what to look at, in words"),
  PRIMARY KEY (run_id, event, subject) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "What a person should know before relying on the jobs: by day and run.");
