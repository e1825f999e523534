# What nobody can take back: the anchor of the ledger's chain, and the log of who did what in the
# project. Both are buckets from which nothing can be deleted or changed before its time.

terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

locals {
  buckets = {
    anchor = "The heads of the hash chain of decisions"
    logs   = "Audit logs of the project"
  }
  writers = ["proposals", "review"]
}

resource "google_storage_bucket" "kept" {
  for_each = local.buckets

  project                     = var.project_id
  name                        = "${var.project_id}-adcanary-${each.key}"
  location                    = var.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  retention_policy {
    retention_period = var.retention_days * 24 * 60 * 60
    is_locked        = var.lock_retention
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# They add objects and read them. To change or delete one takes a permission that neither role has.
resource "google_storage_bucket_iam_member" "anchor" {
  for_each = {
    for pair in setproduct(local.writers, ["roles/storage.objectCreator", "roles/storage.objectViewer"]) :
    "${pair[0]} ${pair[1]}" => { process = pair[0], role = pair[1] }
  }

  bucket = google_storage_bucket.kept["anchor"].name
  role   = each.value.role
  member = var.members[each.value.process]
}

# Engineers put a policy in force, stop and accept a new anchor on the command line.
resource "google_storage_bucket_iam_member" "engineers" {
  for_each = toset(["roles/storage.objectCreator", "roles/storage.objectViewer"])

  bucket = google_storage_bucket.kept["anchor"].name
  role   = each.key
  member = var.members["engineers"]
}

# BigQuery logs who read what by itself; these say it too for secrets, buckets and the proxy.
resource "google_project_iam_audit_config" "read" {
  for_each = toset(["secretmanager.googleapis.com", "storage.googleapis.com", "iap.googleapis.com"])

  project = var.project_id
  service = each.key

  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
}

resource "google_logging_project_sink" "audit" {
  project                = var.project_id
  name                   = "adcanary-audit"
  description            = "Who did what, where nobody can delete it"
  destination            = "storage.googleapis.com/${google_storage_bucket.kept["logs"].name}"
  filter                 = "logName:\"cloudaudit.googleapis.com\""
  unique_writer_identity = true
}

resource "google_storage_bucket_iam_member" "sink" {
  bucket = google_storage_bucket.kept["logs"].name
  role   = "roles/storage.objectCreator"
  member = google_logging_project_sink.audit.writer_identity
}

# The propose flow verifies the whole record every day, and says so where it is broken.
resource "google_logging_metric" "broken_chain" {
  project     = var.project_id
  name        = "adcanary/broken_chain"
  description = "Times that a flow found the record of decisions broken"
  filter      = "resource.type=\"cloud_run_job\" AND \"The audit log is broken\""
}

resource "google_monitoring_alert_policy" "broken_chain" {
  project               = var.project_id
  display_name          = "adcanary: the audit log is broken"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels

  conditions {
    display_name = "A flow refused to go on from a broken record"
    condition_threshold {
      filter          = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.broken_chain.name}\" AND resource.type=\"cloud_run_job\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_COUNT"
      }
    }
  }

  documentation {
    content = "Make no decisions until it is explained: `adcanary audit verify` names the row (docs/review.md, ADR 17)."
  }
}
