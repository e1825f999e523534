CREATE TABLE raw.experiments (
  account_id STRING NOT NULL OPTIONS (
    description = "Whose list of experiments it is: a team, brand or shop, as configured"
  ),
  experiment_id STRING NOT NULL OPTIONS (
    description = "The list's id of the experiment, or GrowthBook's"
  ),
  name STRING OPTIONS (description = "What people call it"),
  kind STRING NOT NULL OPTIONS (
    description
    = "Of spend: geo_test, conversion_lift, holdout, switchback or other; on the site: site_test, or site_bandit, which moves its weights"
  ),
  channel STRING OPTIONS (
    description
    = "Channel of the media mix whose spend was changed: an ad platform, or a segment of one, such as google_ads:brand; NULL on the site"
  ),
  measured_by STRING NOT NULL OPTIONS (
    description = "platform, own or third_party: whose measurement it is"
  ),
  status STRING NOT NULL OPTIONS (
    description = "PLANNED, RUNNING, DONE or VOID (not to be relied on)"
  ),
  start_date DATE OPTIONS (
    description
    = "First day with changed spend, or of the site's experiment, in time_zone; NULL for one on the site that has not begun"
  ),
  end_date DATE OPTIONS (
    description = "Last day of that; NULL for one on the site that is not over"
  ),
  post_end_date DATE OPTIONS (
    description = "Last day on which the outcome was counted; NULL where that is end_date"
  ),
  spend_test_micros INT64 OPTIONS (
    description
    = "Spend from start_date to end_date on those who were tested, in millionths of currency_code"
  ),
  spend_baseline_micros INT64 OPTIONS (
    description = "What would have been spent on them without the test"
  ),
  spend_delta_micros INT64 OPTIONS (
    description
    = "Change of spend by the test: spend_test_micros less spend_baseline_micros; negative where less was spent"
  ),
  currency_code STRING OPTIONS (
    description
    = "ISO 4217 currency of spend, and of the effect where the outcome is revenue; NULL on the site"
  ),
  outcome STRING OPTIONS (
    description = "What was counted: orders, new_customers or revenue; NULL on the site"
  ),
  effect FLOAT64 OPTIONS (
    description
    = "Incremental outcome of the change of spend over the days counted, of those who were tested, in units (revenue in currency_code); negative where the change cost some"
  ),
  standard_error FLOAT64 OPTIONS (
    description
    = "Standard error of effect; from an interval, the wider of its halves over the quantile of a normal"
  ),
  effect_low FLOAT64 OPTIONS (description = "Low end of the interval of effect, as told"),
  effect_high FLOAT64 OPTIONS (description = "High end of the interval of effect, as told"),
  interval_level FLOAT64 OPTIONS (description = "Level of that interval, such as 0.9"),
  population_share FLOAT64 OPTIONS (
    description
    = "Share of all possible customers who were tested, up to 1; NULL where it is not known"
  ),
  geos ARRAY<STRING> OPTIONS (description = "Geos that were tested, where it was by geo"),
  tracking_key STRING OPTIONS (
    description
    = "On the site: the experiment_id of its events experiment_viewed; NULL for a test of spend"
  ),
  hypothesis STRING OPTIONS (description = "What it is to find out, as people wrote it"),
  variations ARRAY<STRUCT<variation_id STRING, name STRING, weight FLOAT64>> OPTIONS (
    description
    = "On the site: what is shown, the control first, by the variation_id of the events, with its name and the share of those let in who are meant to see it; its weight is NULL where that changed while the experiment ran"
  ),
  phases ARRAY<STRUCT<started_at TIMESTAMP, ended_at TIMESTAMP, coverage FLOAT64>> OPTIONS (
    description
    = "On the site: when each phase began and ended (UTC; NULL for one that is not over), and the share of those targeted who are let in"
  ),
  time_zone STRING NOT NULL OPTIONS (description = "IANA time zone that its days are counted in"),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (account_id, experiment_id) NOT ENFORCED
)
CLUSTER BY account_id
OPTIONS (
  description
  = "Experiments on spend and what they measured, from lists in files, and experiments on the site as GrowthBook defines them. Replaced by account: a file is the whole list, unless it says that it isn't.",
  labels = [("account_column", "account_id")]
);
