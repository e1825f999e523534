CREATE TABLE contracts.attribution_channel_weekly (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  model STRING NOT NULL OPTIONS (description = "markov or shapley"),
  week_start DATE NOT NULL OPTIONS (
    description = "Monday of the week in which the paths ended"
  ),
  channel STRING NOT NULL OPTIONS (
    description = "GA4 default channel group; (other) holds the conversions of paths too rare to show"
  ),
  conversions_micros INT64 NOT NULL OPTIONS (
    description = "Credited conversions in millionths; a model's sum to the week's conversions exactly"
  ),
  conversions_p10_micros INT64 NOT NULL OPTIONS (
    description = "10th percentile over resampled journeys"
  ),
  conversions_p50_micros INT64 NOT NULL OPTIONS (description = "Median"),
  conversions_p90_micros INT64 NOT NULL OPTIONS (description = "90th percentile"),
  linear_conversions_micros INT64 NOT NULL OPTIONS (
    description = "What the linear rule credits on the same paths, in millionths, to compare with"
  ),
  value_micros INT64 OPTIONS (
    description = "Credited value in millionths of currency_code; NULL where a part is not known"
  ),
  currency_code STRING OPTIONS (
    description = "ISO 4217 currency of value_micros; NULL where that is"
  ),
  paths INT64 NOT NULL OPTIONS (
    description = "Journeys of the week that the channel is on, converting or not"
  ),
  PRIMARY KEY (run_id, model, week_start, channel) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "Credit for conversions by channel and week, by Markov chain and Shapley value."
);
