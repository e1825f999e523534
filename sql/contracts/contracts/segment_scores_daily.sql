CREATE TABLE contracts.segment_scores_daily (
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
  description = "Segments of an experiment by predicted effect: whom to treat first."
);
