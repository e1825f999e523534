CREATE TABLE contracts.creative_recommendations (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  trait STRING NOT NULL OPTIONS (description = "A feature, with the value or bound that was tested"),
  feature STRING NOT NULL OPTIONS (description = "Name of the feature, as in creative_features"),
  meaning STRING NOT NULL OPTIONS (description = "The trait in words"),
  verdict STRING NOT NULL OPTIONS (description = "TRY, AVOID or NONE"),
  ads_with INT64 NOT NULL OPTIONS (description = "Ads that have the trait"),
  ads INT64 NOT NULL OPTIONS (description = "Ads for which it is known"),
  prevalence FLOAT64 NOT NULL OPTIONS (description = "Share of what they spent that has it"),
  return_ratio FLOAT64 NOT NULL OPTIONS (
    description
    = "Order value a spend of ads with it over that of ads without, in the same campaigns and weeks and at the same age"
  ),
  return_ratio_low FLOAT64 NOT NULL OPTIONS (description = "Lower end of its 95% interval"),
  return_ratio_high FLOAT64 NOT NULL OPTIONS (description = "Upper end of its 95% interval"),
  lift FLOAT64 NOT NULL OPTIONS (
    description = "Its share of the quarter of spend with the best return over that of the worst"
  ),
  p_value FLOAT64 NOT NULL OPTIONS (description = "Of no difference, by permutation within campaigns"),
  q_value FLOAT64 NOT NULL OPTIONS (description = "After control of false discoveries"),
  together_with STRING NOT NULL OPTIONS (
    description
    = "Traits that nearly always come with it, one a line: the data can't tell them apart"
  ),
  example_ad_ids STRING NOT NULL OPTIONS (description = "Ads that have it, the most telling first, one a line"),
  advice STRING OPTIONS (description = "In words for a person or a prompt; NULL for NONE"),
  PRIMARY KEY (run_id, trait) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description
  = "What ads with a trait brought against ads without it: every trait tested, with its interval."
);
