# Secret Manager holds what adcanary reads from the environment. Terraform makes the secrets and says
# who reads them; people add the values (gcloud secrets versions add), so that no state file has one.

terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

locals {
  # As pipelines/secret_settings.py has them, by the process that reads them.
  ingest = [
    "hash_salt",
    "google_ads_developer_token",
    "google_ads_client_id",
    "google_ads_client_secret",
    "google_ads_refresh_token",
    "google_ads_access_token",
    "meta_access_token",
    "linkedin_access_token",
    "linkedin_client_id",
    "linkedin_client_secret",
    "tiktok_access_token",
    "shopify_token",
    "hubspot_token",
    "salesforce_client_id",
    "salesforce_client_secret",
    "growthbook_api_key",
  ]
  review = [
    "review_key",
    "oidc_client_secret",
    "slack_webhook",
    "slack_signing_secret",
  ]
  worker = ["prefect_api_key"]

  readers = merge(
    { for name in local.ingest : name => "ingest" },
    { for name in local.review : name => "review" },
    { for name in local.worker : name => "worker" },
  )

  # Whoever has the salt can tell who is behind a hash: it is kept from those who read the hashes.
  salt = "hash_salt"

  ids = { for name in keys(local.readers) : name => "adcanary-${replace(name, "_", "-")}" }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.readers

  project   = var.project_id
  secret_id = local.ids[each.key]
  labels    = var.labels

  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = var.kms_key == null ? [] : [var.kms_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }

  lifecycle {
    # without the salt, everybody is a stranger, for good
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = { for name, process in local.readers : name => process if contains(var.in_use, name) }

  project   = var.project_id
  secret_id = google_secret_manager_secret.this[each.key].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = var.members[each.value]
}

# They answer requests to export and to erase, which take the salt to find a person.
resource "google_secret_manager_secret_iam_member" "salt" {
  for_each = toset(["roles/secretmanager.secretAccessor", "roles/secretmanager.secretVersionAdder"])

  project   = var.project_id
  secret_id = google_secret_manager_secret.this[local.salt].secret_id
  role      = each.key
  member    = var.members["privacy_officers"]
}

# Engineers put tokens in, and read none.
resource "google_secret_manager_secret_iam_member" "added" {
  for_each = { for name, process in local.readers : name => process if name != local.salt }

  project   = var.project_id
  secret_id = google_secret_manager_secret.this[each.key].secret_id
  role      = "roles/secretmanager.secretVersionAdder"
  member    = var.members["engineers"]
}
