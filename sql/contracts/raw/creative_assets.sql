CREATE TABLE raw.creative_assets (
  platform STRING NOT NULL OPTIONS (description = "meta_ads, google_ads, …"),
  account_id STRING NOT NULL OPTIONS (description = "The platform's account id"),
  ad_id STRING NOT NULL OPTIONS (description = "The platform's id of the ad"),
  field STRING NOT NULL OPTIONS (
    description = "HEADLINE, BODY, DESCRIPTION, CALL_TO_ACTION or IMAGE"
  ),
  position INT64 NOT NULL OPTIONS (
    description = "From 1: an ad may have several texts or images of a field, of which the platform chooses"
  ),
  text STRING OPTIONS (description = "What it says; NULL for an image"),
  asset_id STRING OPTIONS (
    description = "The platform's id of an image: for Meta its hash; NULL for a text"
  ),
  image_sha256 STRING OPTIONS (
    description
    = "SHA-256 of the image's bytes, by which they are kept; NULL for a text, and where they aren't kept"
  ),
  image_missing_because STRING OPTIONS (
    description = "Why the bytes of an image aren't kept; NULL where they are"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (platform, account_id, ad_id, field, position) NOT ENFORCED
)
CLUSTER BY platform, account_id
OPTIONS (
  description
  = "What ads say and show, as last pulled: a row a text or image. Replaced by platform and account.",
  labels = [("account_column", "account_id")]
);
