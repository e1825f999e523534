CREATE TABLE raw.ads_audiences (
  platform STRING NOT NULL OPTIONS (description = "meta_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  audience_id STRING NOT NULL OPTIONS (description = "The platform's id of the audience"),
  name STRING OPTIONS (description = "Name as the platform shows it"),
  kind STRING OPTIONS (
    description = "The platform's word for where it comes from: WEBSITE, CUSTOM, LOOKALIKE, …"
  ),
  retention_days INT64 OPTIONS (
    description = "Days that people stay in it after they came in; NULL where they stay or it isn't told"
  ),
  people_at_least INT64 OPTIONS (
    description = "The platform's lower estimate of its people; NULL where it tells none"
  ),
  people_at_most INT64 OPTIONS (
    description = "The platform's upper estimate of its people; NULL where it tells none"
  ),
  is_usable BOOL OPTIONS (
    description = "Whether the platform shows ads to it; NULL where it isn't told"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (platform, account_id, audience_id) NOT ENFORCED
)
CLUSTER BY platform, account_id
OPTIONS (
  description
  = "Audiences of ad accounts as last pulled: what they are, how long they keep people and how large they are. No member of one. Replaced by platform and account.",
  labels = [("account_column", "account_id")]
);
