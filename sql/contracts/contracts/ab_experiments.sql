CREATE TABLE contracts.ab_experiments (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  experiment_id STRING NOT NULL OPTIONS (description = "The experiment, as the site names it"),
  variation_id STRING NOT NULL OPTIONS (description = "The variation"),
  control_variation_id STRING NOT NULL OPTIONS (
    description = "The variation that it is compared with"
  ),
  is_control BOOL NOT NULL OPTIONS (
    description = "Whether it is the control itself, which is compared with nothing"
  ),
  outcome STRING NOT NULL OPTIONS (
    description = "GA4's name of the event that counts as a conversion"
  ),
  is_running BOOL NOT NULL OPTIONS (
    description = "Whether anybody first saw the experiment in the last 7 days"
  ),
  first_exposed_at TIMESTAMP NOT NULL OPTIONS (
    description = "When the first of these people saw it, of the last 90 days (UTC)"
  ),
  last_exposed_at TIMESTAMP NOT NULL OPTIONS (
    description = "When the last of them first saw it (UTC)"
  ),
  people INT64 NOT NULL OPTIONS (
    description = "People who saw this variation alone, and whose window for a conversion is over"
  ),
  exposed_too_recently INT64 NOT NULL OPTIONS (
    description = "People whose window isn't over, who count later"
  ),
  saw_several_variations INT64 NOT NULL OPTIONS (
    description = "People of the whole experiment who are left out for that"
  ),
  conversions INT64 NOT NULL OPTIONS (
    description = "People who converted within their window"
  ),
  rate FLOAT64 OPTIONS (description = "conversions over people; NULL without people"),
  difference FLOAT64 OPTIONS (
    description = "rate less that of the control; NULL for the control, and where nothing can be compared"
  ),
  difference_low FLOAT64 OPTIONS (
    description = "Lower end of its 95% interval that holds at every look, however often one looks"
  ),
  difference_high FLOAT64 OPTIONS (description = "Upper end of it"),
  fixed_horizon_low FLOAT64 OPTIONS (
    description = "Lower end of its 95% interval for one look at a day that was planned beforehand"
  ),
  fixed_horizon_high FLOAT64 OPTIONS (description = "Upper end of it"),
  sample_ratio_p FLOAT64 OPTIONS (
    description = "Probability of a split between variation and control that is as uneven, if it is as jobs.uplift.treated_share means it; NULL where that isn't known"
  ),
  verdict STRING OPTIONS (
    description = "PASS: it differs from the control; INCONCLUSIVE; NO_DATA: too few people yet; NULL for the control"
  ),
  reason STRING OPTIONS (
    description = "What the verdict rests on, and what would change a refusal; NULL for the control"
  ),
  PRIMARY KEY (run_id, experiment_id, variation_id) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "Variations of experiments on the site beside their control, every day: people, conversions, difference and split."
);
