CREATE TABLE raw.account_parking (
  source STRING NOT NULL OPTIONS (description = "Source that asked to be left alone"),
  account_id STRING NOT NULL OPTIONS (description = "Account, property or shop"),
  parked_at TIMESTAMP NOT NULL OPTIONS (description = "When the platform asked for it, UTC"),
  parked_until TIMESTAMP NOT NULL OPTIONS (
    description = "No call is made for the account before this instant, UTC"
  ),
  reason STRING NOT NULL OPTIONS (description = "What the platform said"),
  PRIMARY KEY (source, account_id, parked_at) NOT ENFORCED
)
CLUSTER BY source, account_id
OPTIONS (
  description
  = "Accounts left alone because a quota of hours or a day was used up; append-only, the latest row counts."
);
