CREATE TABLE intermediate.restated_days (
  table_name STRING NOT NULL OPTIONS (
    description = "Table whose rows changed in a way that days of other tables follow from"
  ),
  window_start DATE NOT NULL OPTIONS (description = "First day to rebuild"),
  window_end DATE NOT NULL OPTIONS (description = "Last day to rebuild, inclusive"),
  published_at TIMESTAMP NOT NULL OPTIONS (
    description = "When the build began that found the change, UTC"
  ),
  PRIMARY KEY (table_name, window_start, published_at) NOT ENFORCED
)
CLUSTER BY table_name
OPTIONS (
  description = "Days that a build found to change with others, beside the windows of the load ledger."
);
