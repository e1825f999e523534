CREATE TABLE contracts.mmm_contributions_weekly (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  channel STRING NOT NULL OPTIONS (description = "Channel of marts.mmm_input_weekly"),
  week_start DATE NOT NULL OPTIONS (description = "Monday of the week"),
  orders_mean FLOAT64 NOT NULL OPTIONS (
    description = "Orders of the week that the channel brought, mean: without it they were not made"
  ),
  orders_p10 FLOAT64 NOT NULL OPTIONS (description = "10th percentile"),
  orders_p50 FLOAT64 NOT NULL OPTIONS (description = "Median"),
  orders_p90 FLOAT64 NOT NULL OPTIONS (description = "90th percentile"),
  PRIMARY KEY (run_id, channel, week_start) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "Orders that each channel brought in each week, with their 80% interval.");
