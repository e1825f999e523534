# `terraform test` plans with made-up values of Google's: no project, no credentials.
mock_provider "google" {}

variables {
  project_id      = "my-marketing"
  region          = "europe-west1"
  prefect_api_url = "https://prefect.example.com/api"
  review_domain   = "review.example.com"
  billing_account = "012345-6789AB-CDEF01"
  monthly_budget  = 500
  alert_addresses = ["alerts@example.com"]
  groups = {
    engineers        = "engineers@example.com"
    analysts         = "analysts@example.com"
    approvers        = "approvers@example.com"
    privacy_officers = "privacy@example.com"
  }
}

run "the_first_apply_runs_nothing_yet" {
  command = plan

  assert {
    condition     = output.prefect_yaml == null
    error_message = "Without an image there is nothing to deploy."
  }
  assert {
    condition     = alltrue([for access in values(output.datasets) : contains(values(access), "own")])
    error_message = "Every dataset has an owner."
  }
  assert {
    condition = alltrue([
      for name, access in output.datasets : !anytrue([for person in ["analysts", "approvers"] : contains(keys(access), person)])
      if !contains(["reporting", "approvals"], name)
    ])
    error_message = "Analysts and approvers read views that were made for them, and nothing else."
  }
}

run "nobody_but_ingestion_and_privacy_officers_may_erase" {
  command = plan

  variables {
    erase_withdrawn_consent = false
  }

  assert {
    condition     = output.datasets["marts"]["ingest"] == "see" && output.datasets["canary"]["ingest"] == "see"
    error_message = "Without erasure, ingestion writes raw and its stages alone."
  }
  assert {
    condition     = output.datasets["raw"]["ingest"] == "write" && output.datasets["landing_stage"]["ingest"] == "edit"
    error_message = "Ingestion publishes slices."
  }
}

run "with_an_image_the_flows_are_deployed" {
  command = plan

  variables {
    image        = "europe-west1-docker.pkg.dev/p/adcanary/adcanary@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    worker_image = "europe-west1-docker.pkg.dev/p/adcanary/worker@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "with_a_key_everything_is_encrypted_with_it" {
  command = plan

  variables {
    location = "europe-west1"
    kms_key  = "projects/keys/locations/europe-west1/keyRings/adcanary/cryptoKeys/data"
  }

  assert {
    condition     = length(google_kms_crypto_key_iam_member.service) == 5
    error_message = "BigQuery, images, containers, secrets and buckets use the key."
  }
}

run "wrong_values_are_refused_in_words" {
  command = plan

  variables {
    project_id      = "My Marketing"
    region          = "EU"
    location        = "Frankfurt"
    image           = "adcanary:latest"
    worker_image    = "worker"
    prefect_api_url = "http://prefect.example.com"
    review_domain   = "https://review.example.com"
    event_buckets   = ["gs://events"]
    export_datasets = ["analytics_1"]
    billing_account = "mine"
    monthly_budget  = 0
    alert_addresses = []
    retention_days  = 1

    time_travel_hours = 24
    groups = {
      engineers        = "group:engineers@example.com"
      analysts         = "all@example.com"
      approvers        = "all@example.com"
      privacy_officers = "privacy@example.com"
    }
  }

  expect_failures = [
    var.project_id, var.region, var.location, var.groups, var.image, var.worker_image,
    var.prefect_api_url, var.review_domain, var.event_buckets, var.export_datasets,
    var.time_travel_hours, var.retention_days, var.billing_account,
    var.monthly_budget, var.alert_addresses,
  ]
}

run "a_key_of_another_place_is_refused" {
  command = plan

  variables {
    kms_key = "projects/keys/locations/us-east1/keyRings/adcanary/cryptoKeys/data"
  }

  expect_failures = [var.kms_key]
}
