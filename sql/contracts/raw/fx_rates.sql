CREATE TABLE raw.fx_rates (
  account_id STRING NOT NULL OPTIONS (
    description = "Who set the rate: ecb, the European Central Bank"
  ),
  date DATE NOT NULL OPTIONS (
    description = "Day the rate was set on; none at weekends and on the bank's holidays"
  ),
  base_currency STRING NOT NULL OPTIONS (
    description = "ISO 4217 currency of which the rate prices one unit: EUR"
  ),
  quote_currency STRING NOT NULL OPTIONS (
    description = "ISO 4217 currency the rate is in"
  ),
  rate FLOAT64 NOT NULL OPTIONS (
    description = "Units of quote_currency for one unit of base_currency"
  ),
  rate_text STRING NOT NULL OPTIONS (
    description = "The rate as published, every decimal of it: exact where rate is the nearest FLOAT64"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (account_id, date, base_currency, quote_currency) NOT ENFORCED
)
PARTITION BY date
CLUSTER BY account_id
OPTIONS (
  description
  = "Daily reference rates; a day without one takes the last before it, which is done downstream. Replaced by account and window.",
  labels = [("account_column", "account_id")]
);
