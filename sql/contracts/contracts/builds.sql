CREATE TABLE contracts.builds (
  build_id STRING NOT NULL OPTIONS (description = "Drawn when the build began"),
  verdict STRING NOT NULL OPTIONS (
    description = "RUNNING until it ends, and for good where it never did; PASS; FAIL where a model or test failed; OUTDATED for a change of data that no batch tells of"
  ),
  reason STRING OPTIONS (description = "What changed the data, such as erasure; NULL for a build"),
  selection STRING OPTIONS (description = "Models it was told to build; NULL for all"),
  started_at TIMESTAMP NOT NULL OPTIONS (description = "When it began, UTC"),
  finished_at TIMESTAMP OPTIONS (description = "When it ended, UTC"),
  models INT64 OPTIONS (description = "Models built"),
  tests INT64 OPTIONS (description = "Data tests that passed"),
  warnings STRING OPTIONS (description = "Tests that only warn and found rows, JSON"),
  inputs STRING OPTIONS (
    description = "What it read, canonical JSON: digests of the dbt project and its variables, versions, and of each table the rows and the newest instant"
  ),
  outputs STRING OPTIONS (
    description = "What it built, canonical JSON: rows of each table, NULL for a view"
  ),
  bytes_billed INT64 OPTIONS (
    description = "What BigQuery billed its models and tests for; NULL on DuckDB"
  ),
  slot_seconds FLOAT64 OPTIONS (
    description = "What BigQuery's slots worked for them; NULL on DuckDB"
  ),
  PRIMARY KEY (build_id) NOT ENFORCED
)
OPTIONS (
  description = "Builds of the models. One whose inputs and outputs are still as the last passed build of all models left them has nothing to do."
);
