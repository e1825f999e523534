CREATE TABLE raw.backfills (
  backfill_id STRING NOT NULL OPTIONS (description = "One id a backfill of one account"),
  event STRING NOT NULL OPTIONS (description = "STARTED, then FINISHED or FAILED"),
  table_name STRING NOT NULL OPTIONS (description = "Table of the rows, as dataset.table"),
  source STRING NOT NULL OPTIONS (description = "Source that was asked"),
  account_id STRING NOT NULL OPTIONS (description = "Account, property or shop"),
  window_start DATE NOT NULL OPTIONS (description = "First day that was asked for"),
  window_end DATE NOT NULL OPTIONS (description = "Last day that was asked for"),
  requested_by STRING NOT NULL OPTIONS (description = "Who asked for it"),
  reason STRING NOT NULL OPTIONS (description = "Why, in their words"),
  row_count INT64 NOT NULL OPTIONS (
    description = "Rows of the account in these days at this event: before, then after"
  ),
  error STRING OPTIONS (description = "What went wrong, NULL unless FAILED"),
  occurred_at TIMESTAMP NOT NULL OPTIONS (description = "When the event was, UTC"),
  PRIMARY KEY (backfill_id, event, table_name) NOT ENFORCED
)
CLUSTER BY source, account_id
OPTIONS (
  description
  = "Who loaded history again, why, over which days, and how many rows there were before and after; append-only."
);
