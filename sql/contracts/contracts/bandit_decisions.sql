CREATE TABLE contracts.bandit_decisions (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  date DATE NOT NULL OPTIONS (description = "Day that the decision is for"),
  platform STRING NOT NULL OPTIONS (description = "google_ads, meta_ads, tiktok_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  campaign_id STRING NOT NULL OPTIONS (description = "The platform's campaign id"),
  arm_kind STRING NOT NULL OPTIONS (
    description = "creative: ads share their ad group's spend; ad_group: ad groups (or ad sets: audiences, sets of keywords) share their campaign's"
  ),
  adgroup_id STRING NOT NULL OPTIONS (
    description = "The platform's ad group id; under ad_group the arm, with spend in the last 7 days"
  ),
  ad_id STRING NOT NULL OPTIONS (
    description = "The platform's ad id: under creative the arm, with spend in the last 7 days; (all) under ad_group"
  ),
  context STRING NOT NULL OPTIONS (
    description = "What the decision is for; all, where it is for every impression alike"
  ),
  policy STRING NOT NULL OPTIONS (description = "thompson or ucb"),
  verdict STRING NOT NULL OPTIONS (
    description = "PASS, or REFUSED where the group's own log can't value these shares"
  ),
  reason STRING NOT NULL OPTIONS (
    description = "What the verdict rests on, and what would change a refusal"
  ),
  current_share FLOAT64 NOT NULL OPTIONS (
    description = "Share of the group's spend in the last days: of the ad group's, or under ad_group of the campaign's"
  ),
  best_probability FLOAT64 NOT NULL OPTIONS (
    description = "Posterior probability that the arm's conversions cost least; under ucb, 1 for the arm with the highest bound"
  ),
  exploration_floor FLOAT64 NOT NULL OPTIONS (description = "Least share of every arm"),
  propensity FLOAT64 NOT NULL OPTIONS (
    description = "Proposed share, after floor and caps: the probability with which the arm is chosen"
  ),
  spend_micros INT64 NOT NULL OPTIONS (
    description = "Proposed spend of the day, in millionths of currency_code"
  ),
  spend_floor_micros INT64 NOT NULL OPTIONS (description = "Least spend of the arm"),
  spend_cap_micros INT64 NOT NULL OPTIONS (
    description = "Most spend of the arm; the floor, where its CAC can't be held to the ceiling"
  ),
  cac_micros INT64 OPTIONS (
    description = "Cost per conversion expected today, worn out as the arm is"
  ),
  cac_low_micros INT64 OPTIONS (description = "Lower end of its 95% interval"),
  cac_high_micros INT64 OPTIONS (
    description = "Upper end, which the CAC ceiling is held to; NULL where there is none"
  ),
  within_cac_ceiling BOOL NOT NULL OPTIONS (
    description = "Whether the upper end is within the ceiling, or there is no ceiling"
  ),
  freshness FLOAT64 NOT NULL OPTIONS (
    description = "Conversion rate of today over the first days', as far as is known; 1 is not worn out"
  ),
  posterior_conversions FLOAT64 NOT NULL OPTIONS (
    description = "Conversions that what is known of the arm today is worth"
  ),
  currency_code STRING NOT NULL OPTIONS (
    description = "ISO 4217 currency of the amounts, the reporting one"
  ),
  effective_conversions FLOAT64 NOT NULL OPTIONS (
    description = "Conversions of the group's log that count for these shares"
  ),
  effective_sample_size FLOAT64 OPTIONS (
    description = "Pieces of spend of the log that count for these shares; a piece is the cost of 1/20 conversion"
  ),
  policy_cac_micros INT64 OPTIONS (
    description = "Cost per conversion that these shares would have had on the log's matured days (doubly robust)"
  ),
  policy_cac_low_micros INT64 OPTIONS (description = "Lower end of its 95% interval"),
  policy_cac_high_micros INT64 OPTIONS (description = "Upper end; NULL where there is none"),
  logged_cac_micros INT64 OPTIONS (description = "What they cost on those days"),
  PRIMARY KEY (run_id, platform, account_id, campaign_id, arm_kind, adgroup_id, ad_id, context) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "Proposed shares of spend by ad of an ad group and by ad group of a campaign, with the evidence that they rest on."
);
