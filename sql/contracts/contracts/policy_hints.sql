CREATE TABLE contracts.policy_hints (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from model version, the decisions that were logged, and the hint"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence of the last decision"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (
    description = "SHA-256 of the logged decisions, what came of them, and their curves"
  ),
  setting STRING NOT NULL OPTIONS (
    description = "Setting of the policy that the hint is about, such as max_change_percent"
  ),
  present_value FLOAT64 NOT NULL OPTIONS (description = "Under which the decisions were taken"),
  hinted_value FLOAT64 NOT NULL OPTIONS (description = "Under which they are replayed"),
  weeks INT64 NOT NULL OPTIONS (description = "Weeks of the log whose orders are known"),
  effective_weeks FLOAT64 NOT NULL OPTIONS (
    description = "Weeks that count as the hinted policy's own: (sum of weights)² / sum of squares, where a week weighs less the further its split is from the replayed one"
  ),
  delta_orders_p10 FLOAT64 NOT NULL OPTIONS (
    description = "10th percentile of the change in weekly orders, had it been in force (doubly robust)"
  ),
  delta_orders_p50 FLOAT64 NOT NULL OPTIONS (description = "Median of that change"),
  delta_orders_p90 FLOAT64 NOT NULL OPTIONS (description = "90th percentile of that change"),
  verdict STRING NOT NULL OPTIONS (
    description = "PASS: the log can value it; REFUSED: it has too few weeks like it"
  ),
  reason STRING NOT NULL OPTIONS (description = "What the verdict rests on, as a person reads it"),
  PRIMARY KEY (run_id, setting, hinted_value) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "What other settings of the policy would have brought in the weeks that were decided. A hint never acts on its own: making it a proposal, or a setting, is a person's act."
);
