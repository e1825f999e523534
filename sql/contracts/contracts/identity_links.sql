CREATE TABLE contracts.identity_links (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  client_key_l STRING NOT NULL OPTIONS (description = "A device; less than client_key_r"),
  client_key_r STRING NOT NULL OPTIONS (description = "The other device"),
  match_probability FLOAT64 NOT NULL OPTIONS (
    description
    = "Probability that both are one person's, other people whose devices match too considered"
  ),
  match_weight FLOAT64 NOT NULL OPTIONS (
    description = "Splink's log2 of the odds of this pair on its own"
  ),
  shared_networks INT64 NOT NULL OPTIONS (
    description = "Networks that both were seen in within a week of each other"
  ),
  shared_windows INT64 NOT NULL OPTIONS (
    description = "Days and networks of one device on which the other was there within a week"
  ),
  smallest_network INT64 NOT NULL OPTIONS (
    description = "Devices seen in the rarest network that both share"
  ),
  same_system BOOL NOT NULL OPTIONS (
    description = "Both have the same family of operating system"
  ),
  same_browser BOOL NOT NULL OPTIONS (description = "Both have the same family of browser"),
  shared_hours INT64 NOT NULL OPTIONS (
    description = "Four-hour parts of the UTC day in which both were seen"
  ),
  method STRING NOT NULL OPTIONS (description = "splink"),
  PRIMARY KEY (run_id, client_key_l, client_key_r) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (
  description
  = "Pairs of devices that are probably one person's, by networks and times; one of the two has no known person. Apart from what is known: see marts.identity_map."
);
