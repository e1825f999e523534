CREATE TABLE contracts.job_runs (
  job STRING NOT NULL OPTIONS (description = "mmm, pacing, …"),
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  verdict STRING NOT NULL OPTIONS (description = "PASS, INCONCLUSIVE or NO_DATA"),
  reason STRING NOT NULL OPTIONS (description = "Why, in words a person reads"),
  settings STRING NOT NULL OPTIONS (description = "Settings and seed of the run, canonical JSON"),
  diagnostics STRING NOT NULL OPTIONS (description = "Figures behind the verdict, canonical JSON"),
  finished_at TIMESTAMP NOT NULL OPTIONS (description = "When the run ended, UTC"),
  seconds FLOAT64 OPTIONS (
    description = "How long it took on this run's clock; measured, as are the two below: no part of the result"
  ),
  bytes_billed INT64 OPTIONS (
    description = "What BigQuery billed this run's queries for; NULL on DuckDB"
  ),
  slot_seconds FLOAT64 OPTIONS (
    description = "What BigQuery's slots worked for this run's queries; NULL on DuckDB"
  ),
  PRIMARY KEY (job, run_id) NOT ENFORCED
)
CLUSTER BY job
OPTIONS (description = "One row a job run with its verdict. A job without PASS emits no proposal.");
