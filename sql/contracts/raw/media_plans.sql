CREATE TABLE raw.media_plans (
  account_id STRING NOT NULL OPTIONS (
    description = "Whose plan it is: a team, brand or shop, as configured"
  ),
  plan_id STRING NOT NULL OPTIONS (description = "The plan, such as 2026-Q3"),
  line_id STRING NOT NULL OPTIONS (description = "The plan's id of the line"),
  ad_platform STRING NOT NULL OPTIONS (
    description = "Ad platform that the line is bought on: google_ads, meta_ads, …"
  ),
  campaign_name STRING NOT NULL OPTIONS (description = "Name that the campaign was planned under"),
  market STRING OPTIONS (
    description = "Market, as it stands in names or labels of campaigns; NULL where the plan names none"
  ),
  product STRING OPTIONS (
    description = "Product, as it stands in names or labels of campaigns; NULL where the plan names none"
  ),
  start_date DATE NOT NULL OPTIONS (description = "First day of the flight, in time_zone"),
  end_date DATE NOT NULL OPTIONS (description = "Last day of the flight"),
  planned_spend_micros INT64 NOT NULL OPTIONS (
    description = "What the whole flight may cost, in millionths of currency_code"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of planned_spend_micros"),
  updated_at TIMESTAMP OPTIONS (
    description = "When the line was last changed or confirmed; NULL where the plan doesn't say"
  ),
  time_zone STRING NOT NULL OPTIONS (description = "IANA time zone that its days are counted in"),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (account_id, plan_id, line_id) NOT ENFORCED
)
CLUSTER BY account_id
OPTIONS (
  description
  = "Media plans: what a campaign is meant to spend on a flight, from lists in files. Replaced by account: a file is the whole list, unless it says that it isn't.",
  labels = [("account_column", "account_id")]
);
