CREATE TABLE contracts.mmm_curves (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  channel STRING NOT NULL OPTIONS (description = "Channel of marts.mmm_input_weekly"),
  point INT64 NOT NULL OPTIONS (description = "Position on the grid of spends, from 0"),
  weekly_spend_micros INT64 NOT NULL OPTIONS (
    description = "Weekly spend of the channel in steady state"
  ),
  orders_p10 FLOAT64 NOT NULL OPTIONS (
    description = "Weekly orders the channel brings at this spend, 10th percentile"
  ),
  orders_p50 FLOAT64 NOT NULL OPTIONS (description = "Median"),
  orders_p90 FLOAT64 NOT NULL OPTIONS (description = "90th percentile"),
  is_current BOOL NOT NULL OPTIONS (description = "The point of the current spend"),
  currency_code STRING NOT NULL OPTIONS (description = "Currency of weekly_spend_micros"),
  PRIMARY KEY (run_id, channel, point) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "Response curve of each channel with its 80% band.");
