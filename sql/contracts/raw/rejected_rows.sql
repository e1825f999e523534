CREATE TABLE raw.rejected_rows (
  source STRING NOT NULL OPTIONS (description = "Source that gave the row"),
  table_name STRING NOT NULL OPTIONS (description = "Table it was for, as dataset.table"),
  account_id STRING NOT NULL OPTIONS (description = "Account, property or shop"),
  platform STRING OPTIONS (description = "Ad platform, NULL where there is none"),
  day DATE NOT NULL OPTIONS (
    description
    = "The row's day in the account's time zone; the nearest of its batch where it has none, or one outside"
  ),
  row_key STRING NOT NULL OPTIONS (
    description
    = "The values of the table's primary key, less those that are a person's, or a file and line, as JSON"
  ),
  expectation STRING NOT NULL OPTIONS (
    description = "Which expectation the row failed, of several each, with a semicolon between"
  ),
  why STRING NOT NULL OPTIONS (description = "What each of them holds, in words"),
  row_json STRING NOT NULL OPTIONS (
    description
    = "The row as a JSON object, without columns about a person; masked, if it could not be taken apart"
  ),
  row_number INT64 NOT NULL OPTIONS (description = "Place of the row in its batch, from 0"),
  run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the rows beside it"
  ),
  pulled_at TIMESTAMP NOT NULL OPTIONS (description = "When the pull began, UTC"),
  rejected_at TIMESTAMP NOT NULL OPTIONS (description = "When the batch was published, UTC"),
  PRIMARY KEY (run_id, row_number) NOT ENFORCED
)
PARTITION BY day
CLUSTER BY table_name, account_id
OPTIONS (
  description
  = "Rows that were set aside because they could not be read or failed an expectation, while the others of their batch landed. Replaced with the slice of their batch: one that comes back in order is no longer here."
);
