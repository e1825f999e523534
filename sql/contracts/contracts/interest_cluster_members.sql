CREATE TABLE contracts.interest_cluster_members (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  person_id STRING NOT NULL OPTIONS (
    description = "The person, pseudonymous: as in marts.identity_map when the run read it"
  ),
  cluster_id STRING NOT NULL OPTIONS (description = "Their cluster in contracts.interest_clusters"),
  confidence FLOAT64 NOT NULL OPTIONS (
    description = "Probability that the next text that they see is of the cluster"
  ),
  texts INT64 NOT NULL OPTIONS (description = "Distinct texts of theirs that say something"),
  PRIMARY KEY (run_id, person_id) NOT ENFORCED
)
CLUSTER BY run_id, person_id
OPTIONS (
  description
  = "Which interest a person has, where their texts say it with enough confidence; an erasure deletes the row."
);
