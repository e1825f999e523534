CREATE TABLE intermediate.model_builds (
  model STRING NOT NULL OPTIONS (description = "Table that dbt built by day, as dataset.table"),
  started_at TIMESTAMP NOT NULL OPTIONS (
    description = "When the build began, UTC: batches published later are for the next one"
  ),
  rebuilt STRING NOT NULL OPTIONS (
    description = "everything, nothing, or spans of days as first..last with a blank between"
  ),
  PRIMARY KEY (model, started_at) NOT ENFORCED
)
CLUSTER BY model
OPTIONS (description = "Builds of the tables that are rebuilt by day, one row a table and build.");
