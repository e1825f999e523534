CREATE TABLE contracts.mmm_allocations (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  channel STRING NOT NULL OPTIONS (description = "Channel of marts.mmm_input_weekly"),
  current_weekly_micros INT64 NOT NULL OPTIONS (
    description = "Mean weekly spend of the last four full weeks"
  ),
  proposed_weekly_micros INT64 NOT NULL OPTIONS (
    description = "Weekly spend of the best allocation under the caps and jobs.mmm.allocation"
  ),
  lower_micros INT64 NOT NULL OPTIONS (
    description = "Tightest lower bound of the channel alone: caps, floor or step"
  ),
  upper_micros INT64 NOT NULL OPTIONS (
    description = "Tightest upper bound of the channel alone: caps, ceiling or step"
  ),
  is_recommended BOOL OPTIONS (
    description
    = "Whether the split is recommended: nine in ten draws of what it changes gain, or the present split breaks a plan's limits or targets"
  ),
  binding STRING NOT NULL OPTIONS (description = "Bound that binds: LOWER, UPPER or NONE"),
  delta_orders_p10 FLOAT64 NOT NULL OPTIONS (
    description = "Change in weekly orders from this channel's change alone, 10th percentile"
  ),
  delta_orders_p50 FLOAT64 NOT NULL OPTIONS (description = "Median"),
  delta_orders_p90 FLOAT64 NOT NULL OPTIONS (description = "90th percentile"),
  order_value_micros INT64 NOT NULL OPTIONS (
    description = "Mean net revenue an order over the last 13 weeks"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "Currency of the amounts"),
  PRIMARY KEY (run_id, channel) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "Budget-neutral allocation over channels, with each channel's effect.");
