CREATE TABLE raw.privacy_tombstones (
  digest STRING NOT NULL OPTIONS (
    description = "SHA-256 of an erased id (itself a salted hash, a device or a click id)"
  ),
  kind STRING NOT NULL OPTIONS (description = "user, email, phone, device, click or lead"),
  erased_at TIMESTAMP NOT NULL OPTIONS (description = "When the erasure began, UTC"),
  request_id STRING NOT NULL OPTIONS (description = "privacy_requests.request_id of the erasure"),
  PRIMARY KEY (digest) NOT ENFORCED
)
CLUSTER BY digest
OPTIONS (
  description
  = "Ids of erased people, hashed once more: landing drops or anonymises their rows, so that a re-pull does not bring them back."
);
