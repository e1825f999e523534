CREATE TABLE contracts.mmm_predictions_weekly (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  origin_week DATE NOT NULL OPTIONS (
    description = "Monday of the last week that the fit saw; a later week was predicted"
  ),
  week_start DATE NOT NULL OPTIONS (description = "Monday of the week"),
  orders INT64 OPTIONS (description = "Orders of the week, NULL where it is yet to come"),
  orders_p10 FLOAT64 NOT NULL OPTIONS (
    description = "Orders that the fit gives the week, with its noise, 10th percentile"
  ),
  orders_p50 FLOAT64 NOT NULL OPTIONS (description = "Median"),
  orders_p90 FLOAT64 NOT NULL OPTIONS (description = "90th percentile"),
  PRIMARY KEY (run_id, origin_week, week_start) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "Weekly orders, as fitted, as predicted from rolling origins, and as forecast."
);
