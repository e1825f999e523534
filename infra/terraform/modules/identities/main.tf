# A service account for each process: what one may do, another needn't. None has a key, none a role
# on the project beyond running jobs, and none a scope of an ad platform: those take tokens of their
# own, which are secrets (and read only).

terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

locals {
  processes = {
    ingest    = "Pulls from platforms and lands"
    transform = "Runs dbt"
    jobs      = "Runs the decision jobs"
    proposals = "Scores and drafts proposals"
    monitor   = "Looks at what is watched, and changes nothing"
    retention = "Deletes events that are too old"
    review    = "Serves the review page"
    setup     = "Makes tables and views at an upgrade"
    worker    = "Prefect's worker: starts the flows' containers, reads no data"
  }
}

resource "google_service_account" "process" {
  for_each = local.processes

  project      = var.project_id
  account_id   = "adcanary-${each.key}"
  display_name = "adcanary ${each.key}"
  description  = each.value
}
