CREATE TABLE raw.load_heads (
  table_name STRING NOT NULL OPTIONS (description = "Table that is published to, as dataset.table"),
  account_id STRING NOT NULL OPTIONS (description = "Account, property or shop"),
  platform STRING NOT NULL OPTIONS (description = "Ad platform, empty where there is none"),
  version INT64 NOT NULL OPTIONS (description = "How often something was published; starts at 0"),
  PRIMARY KEY (table_name, account_id, platform) NOT ENFORCED
)
CLUSTER BY table_name, account_id
OPTIONS (
  description
  = "One row a table and account: every publish moves its version, so that of two at the same time one gives way."
);
