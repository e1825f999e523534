CREATE TABLE raw.crm_opportunities (
  account_id STRING NOT NULL OPTIONS (
    description = "HubSpot's portal id or Salesforce's organisation id, as configured"
  ),
  crm STRING NOT NULL OPTIONS (description = "hubspot or salesforce"),
  opportunity_id STRING NOT NULL OPTIONS (
    description = "The CRM's id: a deal of HubSpot, an opportunity of Salesforce"
  ),
  created_date DATE NOT NULL OPTIONS (description = "Day of created_at in time_zone"),
  created_at TIMESTAMP NOT NULL OPTIONS (description = "When it was entered in the CRM, UTC"),
  updated_at TIMESTAMP NOT NULL OPTIONS (description = "Last change in the CRM, UTC"),
  closed_at TIMESTAMP OPTIONS (
    description
    = "When it was won or lost, UTC; NULL while open. Salesforce knows the day only: its first instant"
  ),
  stage STRING NOT NULL OPTIONS (description = "Stage in the CRM's words"),
  is_won BOOL NOT NULL OPTIONS (description = "Closed and won"),
  is_closed BOOL NOT NULL OPTIONS (description = "Won or lost"),
  amount_micros INT64 OPTIONS (
    description = "Amount in millionths of currency_code; NULL for none, negative for a credit"
  ),
  currency_code STRING NOT NULL OPTIONS (
    description = "ISO 4217 currency of the opportunity, else of the account"
  ),
  lead_id STRING OPTIONS (
    description
    = "The lead it came from (crm_leads.lead_id), the lowest id of several; it may have been deleted since"
  ),
  email_hash STRING OPTIONS (
    description = "Salted SHA-256 of the primary contact's normalised e-mail address"
  ),
  time_zone STRING NOT NULL OPTIONS (
    description = "IANA time zone that created_date is counted in"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (crm, account_id, opportunity_id) NOT ENFORCED
)
PARTITION BY created_date
CLUSTER BY crm, account_id
OPTIONS (
  description
  = "Opportunities (deals) as they are now; deleted ones are gone. Replaced by account and window of created_date.",
  labels = [("account_column", "account_id")]
);
