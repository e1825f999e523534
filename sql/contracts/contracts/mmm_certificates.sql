CREATE TABLE contracts.mmm_certificates (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  certificate STRING NOT NULL OPTIONS (
    description
    = "JSON: risk, every constraint with value and bound, and a proof of the optimality gap"
  ),
  curves STRING NOT NULL OPTIONS (
    description
    = "JSON: the curves it is about, means or draws; pipelines/jobs/allocation/check.py reads both"
  ),
  gap FLOAT64 NOT NULL OPTIONS (
    description = "How much more another split could bring at most, a share of what this one does"
  ),
  PRIMARY KEY (run_id) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "Proof that a run's allocation holds its bounds and that none is better.");
