CREATE TABLE canary.canary_scorecard (
  proposal_id STRING NOT NULL OPTIONS (description = "The proposal"),
  revision INT64 NOT NULL OPTIONS (description = "Its latest revision"),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence of the evaluation"),
  evaluated_at TIMESTAMP NOT NULL OPTIONS (description = "When it was evaluated, UTC"),
  kind STRING NOT NULL OPTIONS (description = "Kind of the proposal"),
  state STRING NOT NULL OPTIONS (description = "State of the proposal when evaluated"),
  job STRING OPTIONS (description = "Job whose run it rests on; NULL if that run isn't known"),
  predicted_by STRING OPTIONS (
    description = "Job whose interval of orders it states; coverage is held against this one"
  ),
  model_version STRING OPTIONS (description = "Version of predicted_by that predicted"),
  platform STRING NOT NULL OPTIONS (description = "Platform of the campaign"),
  account_id STRING NOT NULL OPTIONS (description = "Account of the campaign"),
  campaign_id STRING NOT NULL OPTIONS (description = "The campaign"),
  field STRING NOT NULL OPTIONS (description = "What it would change, such as a daily budget"),
  from_value STRING NOT NULL OPTIONS (description = "Value before"),
  to_value STRING NOT NULL OPTIONS (description = "Value proposed"),
  currency_code STRING NOT NULL OPTIONS (
    description = "Currency of the account, and of all amounts here"
  ),
  recorded_on DATE OPTIONS (
    description = "Day of the account on which it was recorded; NULL if it wasn't"
  ),
  predicted_spend_micros INT64 OPTIONS (description = "Predicted change of a week's spend"),
  predicted_orders_p10 FLOAT64 OPTIONS (
    description
    = "Predicted change of a week's orders, 10th percentile; NULL if no model estimated it"
  ),
  predicted_orders_p50 FLOAT64 OPTIONS (description = "Median"),
  predicted_orders_p90 FLOAT64 OPTIONS (description = "90th percentile"),
  outcome STRING NOT NULL OPTIONS (
    description
    = "CARRIED_OUT, PARTLY or REVERTED outside, after it was recorded; UNRECORDED: carried out, and nobody had approved it; BEFORE_DECISION: was so before; OTHERWISE: changed to something else; NOT_CARRIED_OUT; WAITING; NO_DATA"
  ),
  effective_on DATE OPTIONS (description = "Day on which the new value was first seen"),
  until DATE OPTIONS (description = "Day on which it was another one again; NULL if it held"),
  share_carried_out FLOAT64 OPTIONS (
    description = "Share of the proposed change that was carried out"
  ),
  window_start DATE OPTIONS (description = "First day of the comparison, before the change"),
  window_end DATE OPTIONS (description = "Last day of the comparison, after the change"),
  controls INT64 OPTIONS (description = "Untouched campaigns that it was compared with"),
  realised_spend_micros INT64 OPTIONS (
    description = "Change of a week's spend against the controls"
  ),
  realised_spend_low_micros INT64 OPTIONS (description = "Lower end of its 90% interval"),
  realised_spend_high_micros INT64 OPTIONS (description = "Upper end of its 90% interval"),
  orders_a_claim FLOAT64 OPTIONS (
    description
    = "Orders of the channel, by the curve it was proposed from, for one conversion that the platform claimed"
  ),
  realised_orders FLOAT64 OPTIONS (
    description = "Change of a week's claimed conversions against the controls, times orders_a_claim"
  ),
  realised_orders_low FLOAT64 OPTIONS (description = "Lower end of its 90% interval"),
  realised_orders_high FLOAT64 OPTIONS (description = "Upper end of its 90% interval"),
  detectable_orders FLOAT64 OPTIONS (
    description = "Least effect that would be seen in 80% of the times"
  ),
  held_orders_low FLOAT64 OPTIONS (
    description
    = "Lower end of what is held against realised_orders: the prediction as a 90% interval, widened by the error of the measurement"
  ),
  held_orders_high FLOAT64 OPTIONS (description = "Upper end of it"),
  is_covered BOOL OPTIONS (
    description
    = "Whether realised_orders lies within; NULL unless the verdict is TOLD and orders were predicted"
  ),
  shadow_orders_p10 FLOAT64 OPTIONS (
    description
    = "Not carried out: a week's orders that it would have brought by the newest curve, 10th percentile; an estimate, not an outcome"
  ),
  shadow_orders_p50 FLOAT64 OPTIONS (description = "Median"),
  shadow_orders_p90 FLOAT64 OPTIONS (description = "90th percentile"),
  shadow_run_id STRING OPTIONS (description = "Run of the media mix that it is estimated from"),
  verdict STRING NOT NULL OPTIONS (
    description
    = "TOLD; INCONCLUSIVE: an effect as predicted couldn't be seen; SHADOW: not carried out; WAITING; NO_DATA"
  ),
  is_final BOOL NOT NULL OPTIONS (
    description = "Whether it is evaluated for the last time: an outcome counts once"
  ),
  reason STRING NOT NULL OPTIONS (description = "Why, in words a person reads"),
  PRIMARY KEY (proposal_id, as_of) NOT ENFORCED
)
CLUSTER BY proposal_id
OPTIONS (
  description = "What every proposal predicted, and what came. Replaced by as_of."
);
