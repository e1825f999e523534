CREATE TABLE raw.calendar_events (
  account_id STRING NOT NULL OPTIONS (
    description = "Whose calendar it is: a team, brand or shop, as configured"
  ),
  event_id STRING NOT NULL OPTIONS (
    description = "The calendar's id of the event; of one without, its name and first day"
  ),
  name STRING NOT NULL OPTIONS (
    description = "What it is called, the same each time it comes back"
  ),
  kind STRING NOT NULL OPTIONS (
    description = "promotion, holiday, price_change, stock_out or other"
  ),
  start_date DATE NOT NULL OPTIONS (description = "First day, in time_zone"),
  end_date DATE NOT NULL OPTIONS (description = "Last day"),
  market STRING OPTIONS (description = "Market or geo that it is of; NULL for all"),
  population_share FLOAT64 OPTIONS (
    description = "Share of all possible customers that it concerns, up to 1; NULL for all"
  ),
  intensity FLOAT64 OPTIONS (
    description = "How strong it is beside others of its kind, such as the share of a discount"
  ),
  expected_sign INT64 OPTIONS (
    description = "1 where it should bring orders, -1 where it should cost some; NULL for no view"
  ),
  known_in_advance BOOL NOT NULL OPTIONS (
    description = "Whether it is known before it begins, so that plans may count on it"
  ),
  time_zone STRING NOT NULL OPTIONS (description = "IANA time zone that its days are counted in"),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (account_id, event_id) NOT ENFORCED
)
CLUSTER BY account_id
OPTIONS (
  description
  = "Promotions, holidays, price changes and stock-outs, past and planned, from calendars in files. Replaced by account: a file is the whole calendar, unless it says that it isn't.",
  labels = [("account_column", "account_id")]
);
