CREATE TABLE contracts.creative_fatigue (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  campaign_id STRING NOT NULL OPTIONS (description = "The platform's campaign id"),
  adgroup_id STRING NOT NULL OPTIONS (description = "Ad group (Google, TikTok) or ad set (Meta)"),
  ad_id STRING NOT NULL OPTIONS (description = "The platform's id of the ad"),
  verdict STRING NOT NULL OPTIONS (
    description
    = "FATIGUED (surely below the worn rate), WEARING (likely so within 14 days), FRESH, or UNKNOWN: too little to tell"
  ),
  age_days INT64 NOT NULL OPTIONS (description = "Days since its launch"),
  impressions INT64 NOT NULL OPTIONS (description = "Shown since its launch"),
  freshness FLOAT64 NOT NULL OPTIONS (description = "Its rate now over its first one: median"),
  freshness_low FLOAT64 NOT NULL OPTIONS (description = "Lower end of the 80% interval"),
  freshness_high FLOAT64 NOT NULL OPTIONS (description = "Upper end of the 80% interval"),
  days_left FLOAT64 NOT NULL OPTIONS (
    description
    = "Days until its rate is below the worn share of its first one: median; 0 where it is, 180 for as many or more"
  ),
  days_left_low FLOAT64 NOT NULL OPTIONS (description = "Lower end of the 80% interval"),
  days_left_high FLOAT64 NOT NULL OPTIONS (description = "Upper end of the 80% interval"),
  worn_chance FLOAT64 NOT NULL OPTIONS (description = "How likely it is worn out now"),
  by_impressions FLOAT64 NOT NULL OPTIONS (
    description = "How likely impressions wear it out, rather than days"
  ),
  others INT64 NOT NULL OPTIONS (description = "Other ads of its ad group that run"),
  gain_low FLOAT64 OPTIONS (description = "Lower end of the 80% interval of gain"),
  gain FLOAT64 OPTIONS (
    description
    = "What its money would bring more at the others, over what money brings in the campaign on average: median; NULL without others"
  ),
  gain_high FLOAT64 OPTIONS (description = "Upper end of the 80% interval of gain"),
  conversions FLOAT64 NOT NULL OPTIONS (description = "Claimed in the weeks that were looked at"),
  weekly_conversions FLOAT64 NOT NULL OPTIONS (
    description = "Claimed a week, over the four full weeks before the last one"
  ),
  is_creative_known BOOL NOT NULL OPTIONS (description = "Whether what it says and shows is landed"),
  daily_cost_micros INT64 NOT NULL OPTIONS (
    description = "What it cost a day in the last week, in millionths of currency_code"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the account"),
  reason STRING NOT NULL OPTIONS (description = "In a sentence with the numbers"),
  PRIMARY KEY (run_id, platform, account_id, ad_id) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "How far each ad that runs has worn out, and how many days it has left.");
