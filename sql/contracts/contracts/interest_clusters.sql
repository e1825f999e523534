CREATE TABLE contracts.interest_clusters (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  week_start DATE NOT NULL OPTIONS (
    description = "Monday of the last week of texts that the run read"
  ),
  cluster_id STRING NOT NULL OPTIONS (
    description = "The cluster; the same from week to week while it is the same interest"
  ),
  label STRING NOT NULL OPTIONS (
    description = "Terms that its texts have and those of other clusters haven't"
  ),
  top_terms ARRAY<STRING> OPTIONS (
    description = "Most distinctive terms, the first first; the label is made of them"
  ),
  top_texts ARRAY<STRING> OPTIONS (
    description = "Most typical texts; each was seen by several people"
  ),
  change STRING NOT NULL OPTIONS (
    description
    = "Against the week before: KEPT; BORN, like none before; SPLIT, came from related_cluster_id; MERGED, gone into related_cluster_id; DIED, gone"
  ),
  related_cluster_id STRING OPTIONS (description = "For SPLIT and MERGED, the other cluster"),
  similarity FLOAT64 OPTIONS (
    description = "Cosine to the cluster that it continues, came from or went into"
  ),
  people INT64 NOT NULL OPTIONS (
    description = "People of the cluster, 0 for one that is gone; contracts.interest_cluster_members lists those whose confidence suffices"
  ),
  members INT64 NOT NULL OPTIONS (
    description = "Those of them whose confidence suffices"
  ),
  share FLOAT64 NOT NULL OPTIONS (description = "Its people, as a share of all who were clustered"),
  cohesion FLOAT64 OPTIONS (
    description = "Mean cosine of its people to its centroid: 1 if they saw the same"
  ),
  mean_confidence FLOAT64 OPTIONS (description = "Mean confidence of its people"),
  stability FLOAT64 OPTIONS (
    description
    = "Adjusted Rand index between clusterings of two halves of the people, with this number of clusters"
  ),
  encoder STRING NOT NULL OPTIONS (description = "What turned texts into vectors"),
  centroid ARRAY<FLOAT64> OPTIONS (
    description = "Unit direction in the encoder's space, from the mean of all texts"
  ),
  PRIMARY KEY (run_id, cluster_id) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description
  = "Interests that people share, by the texts of pages, items and searches that they saw, with what became of last week's."
);
