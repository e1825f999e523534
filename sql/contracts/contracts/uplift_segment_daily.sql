CREATE TABLE contracts.uplift_segment_daily (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  experiment_id STRING NOT NULL OPTIONS (description = "The experiment, as the site names it"),
  variation_id STRING NOT NULL OPTIONS (description = "The variation that is compared"),
  control_variation_id STRING NOT NULL OPTIONS (
    description = "The variation that it is compared with"
  ),
  outcome STRING NOT NULL OPTIONS (
    description = "GA4's name of the event that counts as a conversion"
  ),
  verdict STRING NOT NULL OPTIONS (
    description = "PASS, or INCONCLUSIVE: nothing may rest on the row; contracts.job_runs says why"
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
  description = "What a variation of an experiment changes in each segment, with interval and false discovery control."
);
