# One dataset. Who may do what is its access list, which is the whole of it: without one, BigQuery
# lets everybody in who may view the project.

terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

locals {
  # BigQuery keeps three roles under their older names, and a plan would show the others for ever.
  roles = {
    own   = "OWNER"
    edit  = "WRITER"
    read  = "READER"
    write = var.row_writer
    see   = "roles/bigquery.metadataViewer"
  }
}

resource "google_bigquery_dataset" "this" {
  project                     = var.project_id
  dataset_id                  = var.name
  description                 = var.description
  location                    = var.location
  default_table_expiration_ms = var.table_expiry_days == null ? null : var.table_expiry_days * 24 * 60 * 60 * 1000
  max_time_travel_hours       = var.time_travel_hours
  delete_contents_on_destroy  = false
  labels                      = var.labels

  dynamic "access" {
    for_each = var.access
    content {
      role           = local.roles[access.value]
      group_by_email = startswith(var.members[access.key], "group:") ? trimprefix(var.members[access.key], "group:") : null
      user_by_email  = startswith(var.members[access.key], "serviceAccount:") ? trimprefix(var.members[access.key], "serviceAccount:") : null
    }
  }

  # Views of these datasets read this one for whoever may read the view.
  dynamic "access" {
    for_each = var.authorised
    content {
      dataset {
        target_types = ["VIEWS"]
        dataset {
          project_id = var.project_id
          dataset_id = access.value
        }
      }
    }
  }

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
