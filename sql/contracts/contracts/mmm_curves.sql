CREATE TABLE contracts.mmm_curves (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  channel STRING NOT NULL OPTIONS (description = "Channel of marts.mmm_input_weekly"),
  horizon_weeks INT64 NOT NULL OPTIONS (
    description = "0: steady state; else the next weeks, controls not known in advance as usual"
  ),
  point INT64 NOT NULL OPTIONS (description = "Position on the grid of spends, from 0"),
  weekly_spend_micros INT64 NOT NULL OPTIONS (
    description = "Spend of the channel in each week"
  ),
  orders_p10 FLOAT64 NOT NULL OPTIONS (
    description = "Weekly orders the channel brings at this spend, 10th percentile"
  ),
  orders_p50 FLOAT64 NOT NULL OPTIONS (description = "Median"),
  orders_p90 FLOAT64 NOT NULL OPTIONS (description = "90th percentile"),
  marginal_orders_p10 FLOAT64 OPTIONS (
    description = "Orders for one more unit of currency_code at this spend, 10th percentile"
  ),
  marginal_orders_p50 FLOAT64 OPTIONS (description = "Median"),
  marginal_orders_p90 FLOAT64 OPTIONS (description = "90th percentile"),
  marginal_cac_micros_p10 INT64 OPTIONS (
    description = "Cost of one more order at this spend, 10th percentile; NULL where there is none"
  ),
  marginal_cac_micros_p50 INT64 OPTIONS (description = "Median"),
  marginal_cac_micros_p90 INT64 OPTIONS (description = "90th percentile"),
  total_orders_p10 FLOAT64 OPTIONS (
    description = "All weekly orders if the others spend as now, 10th percentile; NULL at horizon 0"
  ),
  total_orders_p50 FLOAT64 OPTIONS (description = "Median"),
  total_orders_p90 FLOAT64 OPTIONS (description = "90th percentile"),
  is_current BOOL NOT NULL OPTIONS (description = "The point of the current spend"),
  currency_code STRING NOT NULL OPTIONS (description = "Currency of the amounts"),
  PRIMARY KEY (run_id, channel, horizon_weeks, point) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "Response curve of each channel with its 80% band, in steady state and next weeks"
);
