CREATE TABLE contracts.fidelity_evaluations (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  job STRING NOT NULL OPTIONS (description = "Whose predictions they are: mmm, pacing or bandits"),
  quantity STRING NOT NULL OPTIONS (description = "What was predicted, and how far ahead"),
  basis STRING NOT NULL OPTIONS (
    description
    = "live: predicted before it came, by any run; backtest: a later run's prediction of the time before it"
  ),
  predictions INT64 NOT NULL OPTIONS (
    description = "Predictions of the last 26 weeks whose outcome is known"
  ),
  mape FLOAT64 OPTIONS (
    description = "Mean absolute percentage error of the medians; NULL where nothing came"
  ),
  max_mape FLOAT64 NOT NULL OPTIONS (description = "Bound on mape"),
  bias FLOAT64 OPTIONS (description = "Sum of the medians over what came, less 1"),
  max_bias FLOAT64 OPTIONS (
    description
    = "Bias, either way, that isn't held against the distributions; NULL before there was one"
  ),
  ks FLOAT64 OPTIONS (
    description
    = "Kolmogorov-Smirnov distance of what came from the predicted distributions (of the probability integral transforms from uniform), the least after a correction of all by at most max_bias; NULL without predictions"
  ),
  max_ks FLOAT64 NOT NULL OPTIONS (description = "Bound on ks"),
  coverage_80 FLOAT64 OPTIONS (
    description = "Share of what came between its predicted 10th and 90th percentile; NULL without predictions"
  ),
  verdict STRING NOT NULL OPTIONS (
    description = "PASS; FAIL: no proposal may rest on them; NO_DATA: too few predictions"
  ),
  reason STRING NOT NULL OPTIONS (description = "Why, in words a person reads"),
  PRIMARY KEY (run_id, job, quantity, basis) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "What jobs predicted, held against what came; the gate of their proposals.");
