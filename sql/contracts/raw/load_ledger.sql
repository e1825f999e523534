CREATE TABLE raw.load_ledger (
  run_id STRING NOT NULL OPTIONS (
    description
    = "Derived from source, table, account, content and, but for a list, window: the same pull has the same id"
  ),
  source STRING NOT NULL OPTIONS (description = "google_ads, shopify, files, …"),
  table_name STRING NOT NULL OPTIONS (
    description = "Table the batch was published to, as dataset.table"
  ),
  account_id STRING NOT NULL OPTIONS (description = "Account, property or shop"),
  platform STRING OPTIONS (description = "Ad platform, NULL where there is none"),
  window_start DATE NOT NULL OPTIONS (description = "First day the batch replaced"),
  window_end DATE NOT NULL OPTIONS (description = "Last day the batch replaced"),
  row_count INT64 NOT NULL OPTIONS (description = "Rows published"),
  restated_rows INT64 NOT NULL OPTIONS (
    description = "Rows published before for the window that came back with other values"
  ),
  dropped_rows INT64 NOT NULL OPTIONS (
    description = "Rows the source did not hand on: events without consent, of erased people, or refused as not the platform's"
  ),
  withdrawn_rows INT64 OPTIONS (
    description = "Rows published before for the window that are gone; NULL before they were counted"
  ),
  rejected_rows INT64 OPTIONS (
    description = "Rows that failed an expectation and are in raw.rejected_rows; NULL before there were any"
  ),
  complete BOOL OPTIONS (
    description = "Replaced all of its days; FALSE for a batch that holds some campaigns only, NULL for TRUE"
  ),
  checksum STRING NOT NULL OPTIONS (description = "SHA-256 of the batch's content"),
  schema_hash STRING NOT NULL OPTIONS (
    description = "SHA-256 of the column names and types the source sent"
  ),
  pulled_at TIMESTAMP NOT NULL OPTIONS (
    description = "When the pull began, UTC; an older pull never replaces a newer one"
  ),
  staged_at TIMESTAMP NOT NULL OPTIONS (description = "When the batch was staged, UTC"),
  published_at TIMESTAMP NOT NULL OPTIONS (description = "When the batch was published, UTC"),
  PRIMARY KEY (run_id, published_at) NOT ENFORCED
)
CLUSTER BY table_name, account_id
OPTIONS (description = "One row a published batch, written in the transaction that published it.");
