CREATE TABLE contracts.mmm_diagnostics (
  run_id STRING NOT NULL OPTIONS (
    description = "Derived from job, model version, settings and input_snapshot"
  ),
  as_of DATE NOT NULL OPTIONS (description = "Last day of evidence the run may use"),
  model_version STRING NOT NULL OPTIONS (description = "Version of the method"),
  input_snapshot STRING NOT NULL OPTIONS (description = "SHA-256 of the rows the job read"),
  name STRING NOT NULL OPTIONS (
    description = "max_rhat, vif_google_ads, control_sign_promotion, …; ends with its channel"
  ),
  channel STRING OPTIONS (description = "Channel it is of, NULL where it is of the whole run"),
  value FLOAT64 NOT NULL OPTIONS (description = "Value of the diagnostic"),
  bound FLOAT64 OPTIONS (description = "Bound it is held to, NULL where it only informs"),
  passed BOOL NOT NULL OPTIONS (description = "Whether the bound holds"),
  refuses BOOL OPTIONS (
    description = "Whether the run is INCONCLUSIVE where the bound doesn't hold"
  ),
  message STRING OPTIONS (
    description = "What it says in words: the assumption that doesn't hold, or what would tell"
  ),
  PRIMARY KEY (run_id, name) NOT ENFORCED
)
CLUSTER BY run_id
OPTIONS (description = "What the verdict of an mmm run rests on.");
