CREATE TABLE contracts.media_plan_pacing (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  plan_owner STRING NOT NULL OPTIONS (description = "Whose plan it is: a team, brand or shop"),
  plan_id STRING NOT NULL OPTIONS (description = "The plan, such as 2026-Q3"),
  line_id STRING NOT NULL OPTIONS (description = "The plan's id of the line"),
  platform STRING NOT NULL OPTIONS (description = "Ad platform that the line is bought on"),
  planned_campaign_name STRING NOT NULL OPTIONS (
    description = "Name that the campaign was planned under"
  ),
  market STRING OPTIONS (description = "Market of the line; NULL where it names none"),
  product STRING OPTIONS (description = "Product of the line; NULL where it names none"),
  start_date DATE NOT NULL OPTIONS (description = "First day of the flight"),
  end_date DATE NOT NULL OPTIONS (description = "Last day of the flight"),
  account_id STRING OPTIONS (
    description = "Account of the campaign that fits best; NULL where the line can't be paced"
  ),
  campaign_id STRING OPTIONS (description = "That campaign"),
  campaign_name STRING OPTIONS (description = "Its present name"),
  planned_micros INT64 NOT NULL OPTIONS (description = "What the whole flight may cost"),
  planned_to_date_micros INT64 OPTIONS (
    description
    = "Of that, the part of the flight's days that are published, shaped by the campaign's weekdays and holidays"
  ),
  spent_to_date_micros INT64 OPTIONS (description = "Spend of those days"),
  recent_daily_micros INT64 OPTIONS (
    description = "Mean daily spend of the last days that make a pace, five by default"
  ),
  variance FLOAT64 OPTIONS (
    description = "spent_to_date_micros over planned_to_date_micros, less 1; NULL where it can't be told"
  ),
  classification STRING NOT NULL OPTIONS (
    description
    = "HEALTHY below 10% of variance, WARNING to 25%, CRITICAL beyond or with zero delivery; NO_DATA where it can't be told"
  ),
  is_zero_delivery BOOL NOT NULL OPTIONS (
    description = "Whether the campaign is enabled and spends nothing"
  ),
  confidence FLOAT64 NOT NULL OPTIONS (
    description
    = "That the line is about the campaign, from 0 to 1: 50% metadata_match, 30% name_similarity, 20% freshness"
  ),
  metadata_match FLOAT64 NOT NULL OPTIONS (
    description = "How far market, product and dates agree, from 0 to 1"
  ),
  name_similarity FLOAT64 NOT NULL OPTIONS (description = "Of the names, from 0 to 1"),
  freshness FLOAT64 NOT NULL OPTIONS (
    description
    = "1 while the line was confirmed and the account published within 12 hours, 0 after a week"
  ),
  action STRING NOT NULL OPTIONS (
    description
    = "NONE; REVIEW: a person should look; PAUSE: an urgent pause may be proposed; ESCALATE: a person decides, since the match or the line is uncertain"
  ),
  reason STRING NOT NULL OPTIONS (description = "Why, in sentences"),
  currency_code STRING NOT NULL OPTIONS (
    description = "Currency of the amounts: the account's, or the plan's where no campaign fits"
  ),
  fx_rate FLOAT64 OPTIONS (
    description = "Units of currency_code for one of the plan's currency; NULL where they are the same"
  ),
  fx_date DATE OPTIONS (description = "Day of that rate"),
  PRIMARY KEY (run_id, plan_owner, plan_id, line_id) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description
  = "Media plans against what was spent: one row a line whose flight has begun and didn't end before the month of as_of."
);
