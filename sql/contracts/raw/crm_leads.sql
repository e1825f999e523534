CREATE TABLE raw.crm_leads (
  account_id STRING NOT NULL OPTIONS (
    description = "HubSpot's portal id or Salesforce's organisation id, as configured"
  ),
  crm STRING NOT NULL OPTIONS (description = "hubspot or salesforce"),
  lead_id STRING NOT NULL OPTIONS (
    description = "The CRM's id: a contact of HubSpot, a lead of Salesforce"
  ),
  created_date DATE NOT NULL OPTIONS (description = "Day of created_at in time_zone"),
  created_at TIMESTAMP NOT NULL OPTIONS (description = "When the lead was created, UTC"),
  updated_at TIMESTAMP NOT NULL OPTIONS (description = "Last change in the CRM, UTC"),
  email_hash STRING OPTIONS (
    description
    = "Salted SHA-256 of the normalised e-mail address; equals orders.email_hash of the same person"
  ),
  phone_hash STRING OPTIONS (
    description = "Salted SHA-256 of the phone number in E.164; NULL for one without country code"
  ),
  status STRING NOT NULL OPTIONS (
    description
    = "NEW, WORKING, QUALIFIED, CONVERTED (became an opportunity), DISQUALIFIED, or OTHER for a status of the CRM's own making"
  ),
  raw_status STRING OPTIONS (
    description
    = "Status in the CRM's words; HubSpot's lifecycle stage and lead status with a slash between"
  ),
  lead_source STRING OPTIONS (description = "Where the lead came from, in the CRM's words"),
  utm_source STRING OPTIONS (description = "utm_source of the lead's form"),
  utm_medium STRING OPTIONS (description = "utm_medium of the lead's form"),
  utm_campaign STRING OPTIONS (description = "utm_campaign of the lead's form"),
  gclid STRING OPTIONS (description = "Google click id"),
  fbclid STRING OPTIONS (description = "Meta click id"),
  li_fat_id STRING OPTIONS (description = "LinkedIn first-party ad tracking id"),
  ttclid STRING OPTIONS (description = "TikTok click id"),
  opportunity_id STRING OPTIONS (
    description = "The first opportunity of the lead: crm_opportunities.opportunity_id"
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
  PRIMARY KEY (crm, account_id, lead_id) NOT ENFORCED
)
PARTITION BY created_date
CLUSTER BY crm, account_id
OPTIONS (
  description
  = "Leads as they are now; deleted ones are gone. No names, companies or notes. Replaced by account and window of created_date.",
  labels = [("account_column", "account_id")]
);
