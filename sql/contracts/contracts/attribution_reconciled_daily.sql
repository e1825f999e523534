CREATE TABLE contracts.attribution_reconciled_daily (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  channel STRING NOT NULL OPTIONS (description = "Channel of the media mix model"),
  week_start DATE NOT NULL OPTIONS (description = "Monday of the week"),
  date DATE NOT NULL OPTIONS (description = "Day of the touch or of the spend"),
  platform STRING NOT NULL OPTIONS (
    description = "Ad platform; (none) where no campaign is known"
  ),
  account_id STRING NOT NULL OPTIONS (
    description = "Ad account; (none) where no campaign is known"
  ),
  campaign_id STRING NOT NULL OPTIONS (
    description = "Campaign; (none) for what no known campaign accounts for"
  ),
  basis STRING NOT NULL OPTIONS (
    description = "markov, linear, spend or none: what the channel's week was split by"
  ),
  orders_mean FLOAT64 NOT NULL OPTIONS (
    description = "Orders brought; sums to contracts.mmm_contributions_weekly by channel and week"
  ),
  orders_p10 FLOAT64 NOT NULL OPTIONS (
    description = "10th percentile, of the model and of the split; percentiles don't add up"
  ),
  orders_p50 FLOAT64 NOT NULL OPTIONS (description = "Median"),
  orders_p90 FLOAT64 NOT NULL OPTIONS (description = "90th percentile"),
  mmm_run_id STRING NOT NULL OPTIONS (description = "The mmm run whose totals were split"),
  attribution_run_id STRING OPTIONS (
    description = "The attribution run that weighed the channel groups; NULL where there was none"
  ),
  PRIMARY KEY (run_id, channel, date, platform, account_id, campaign_id) NOT ENFORCED
)
CLUSTER BY run_id, channel
OPTIONS (
  description = "The media mix model's orders by channel and week, split down to campaigns and days."
);
