CREATE TABLE contracts.creative_features (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  asset_kind STRING NOT NULL OPTIONS (description = "text or image"),
  asset_id STRING NOT NULL OPTIONS (
    description = "SHA-256 of the image's bytes, or of the texts"
  ),
  ads INT64 NOT NULL OPTIONS (description = "Ads that say or show it"),
  first_ad_id STRING NOT NULL OPTIONS (description = "The first of these ads, by its id"),
  perceptual_hash STRING OPTIONS (
    description = "Nearly the same digits for resized or re-encoded images; NULL for a text"
  ),
  near_duplicate_of STRING OPTIONS (
    description
    = "The first image, by its id, that looks the same (4 of 64 digits of the hash differ, or fewer); NULL for none"
  ),
  features STRING NOT NULL OPTIONS (
    description
    = "Every feature by name, as a JSON object; null where it isn't known. docs/creatives.md says what each is"
  ),
  problem STRING OPTIONS (description = "Why an image has no features; NULL where it has"),
  PRIMARY KEY (run_id, asset_kind, asset_id) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description = "What ads' texts and images are like: a row an asset, with every feature measured."
);
