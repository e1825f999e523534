CREATE TABLE raw.ads_entities (
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  entity_type STRING NOT NULL OPTIONS (description = "campaign, adgroup or ad"),
  entity_id STRING NOT NULL OPTIONS (description = "The platform's id of the entity"),
  parent_id STRING OPTIONS (
    description = "Id of the entity above it: an ad's ad group, an ad group's campaign"
  ),
  name STRING OPTIONS (
    description = "Name as the platform shows it, for people who decide on proposals"
  ),
  status STRING NOT NULL OPTIONS (description = "ENABLED, PAUSED or REMOVED when pulled"),
  advertising_type STRING OPTIONS (
    description = "Google's channel type or Meta's objective, upper case"
  ),
  labels ARRAY<STRING> OPTIONS (description = "Labels on the entity"),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (platform, account_id, entity_type, entity_id) NOT ENFORCED
)
CLUSTER BY platform, account_id
OPTIONS (
  description = "Campaigns, ad groups and ads as last pulled. Replaced by platform and account.",
  labels = [("account_column", "account_id")]
);
