CREATE TABLE raw.hash_salt (
  fingerprint STRING NOT NULL OPTIONS (
    description = "SHA-256 over the salt and a fixed text: tells one salt from another"
  ),
  first_used_at TIMESTAMP NOT NULL OPTIONS (description = "When it was first used here, UTC"),
  PRIMARY KEY (fingerprint) NOT ENFORCED
)
OPTIONS (
  description
  = "Which salt this warehouse's ids are hashed with: one row. Another salt would make a stranger of everybody."
);
