CREATE TABLE contracts.uplift_segment_daily (
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
    description = "Label of the segment, such as mobile · new; everybody is the whole experiment"
  ),
  treated INT64 NOT NULL OPTIONS (
    description = "People that the effect is estimated on who saw the variation; of a segment, those of the half it wasn't found in"
  ),
  control INT64 NOT NULL OPTIONS (description = "As treated, who saw the control"),
  control_rate FLOAT64 NOT NULL OPTIONS (
    description = "Share of people who would convert if all saw the control"
  ),
  uplift FLOAT64 NOT NULL OPTIONS (
    description = "Change of that share if all saw the variation"
  ),
  uplift_low FLOAT64 NOT NULL OPTIONS (description = "Lower end of its 95% interval"),
  uplift_high FLOAT64 NOT NULL OPTIONS (description = "Upper end of its 95% interval"),
  q_value FLOAT64 NOT NULL OPTIONS (
    description = "Least false discovery rate among the segments at which this one is a discovery (Benjamini-Hochberg); of everybody, the p value"
  ),
  is_discovery BOOL NOT NULL OPTIONS (description = "Whether q_value is at most 0.05"),
  PRIMARY KEY (run_id, experiment_id, variation_id, segment) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "What a variation of an experiment, or a touch of ads, changes in each segment: the estimate, from people who took no part in finding the segment, with interval and false discovery control. Whether to believe an effect is read here; whom to treat first, in segment_scores_daily."
);
