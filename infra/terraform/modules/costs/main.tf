# Alerts before a month becomes dear. Nothing is switched off: what bounds a single query is
# warehouse.maximum_bytes_billed in adcanary.yaml.

terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

resource "google_billing_budget" "month" {
  billing_account = var.billing_account
  display_name    = "adcanary (${var.project_id})"

  budget_filter {
    projects = ["projects/${var.project_number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.monthly_budget)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.8, 1.0]
    content {
      threshold_percent = threshold_rules.value
      spend_basis       = "CURRENT_SPEND"
    }
  }

  # a runaway backfill shows here first
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = var.notification_channels
    disable_default_iam_recipients   = false
  }
}
