CREATE TABLE contracts.segment_scores_daily (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  experiment_id STRING NOT NULL OPTIONS (
    description = "The experiment, as the site names it; for ads, such as ads: Paid Search, the channel"
  ),
  variation_id STRING NOT NULL OPTIONS (
    description = "The variation that is compared; for ads, touched: whom the channel brought back in the week"
  ),
  control_variation_id STRING NOT NULL OPTIONS (
    description = "The variation that it is compared with; for ads, untouched"
  ),
  outcome STRING NOT NULL OPTIONS (
    description = "GA4's name of the event that counts as a conversion"
  ),
  verdict STRING NOT NULL OPTIONS (
    description = "PASS, or INCONCLUSIVE: nothing may rest on the row; contracts.job_runs says why"
  ),
  basis STRING NOT NULL OPTIONS (
    description = "randomised: an experiment; propensity_weighted: people whom ads touched beside alike people whom they didn't, which is weaker evidence (e_value)"
  ),
  e_value FLOAT64 OPTIONS (
    description = "How strongly, as a risk ratio, something unknown would have to go with both the touch and the outcome to explain the effect on everybody; 1 where its interval holds 0. NULL where randomised"
  ),
  segment STRING NOT NULL OPTIONS (
    description = "Label of the segment, such as mobile · new"
  ),
  rank INT64 NOT NULL OPTIONS (description = "1 for the segment to treat first"),
  score FLOAT64 NOT NULL OPTIONS (
    description = "Mean effect that the learners predict for its people, as a change of the share who convert"
  ),
  people INT64 NOT NULL OPTIONS (description = "People of the experiment in the segment"),
  share FLOAT64 NOT NULL OPTIONS (description = "Their share of the comparison's people"),
  PRIMARY KEY (run_id, experiment_id, variation_id, segment) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "The segments of uplift_segment_daily by the effect that the learners predict for all their people: whom to treat first. A prediction, without interval: how sure an effect is, uplift_segment_daily says."
);
