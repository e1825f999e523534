# The review page: one container on Cloud Run, which only a load balancer reaches, behind
# Identity-Aware Proxy. The page checks IAP's signed assertion itself (review.iap in adcanary.yaml),
# so that it answers nobody even if one of these walls is down.

terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

resource "google_cloud_run_v2_service" "page" {
  count = var.image == null ? 0 : 1

  project             = var.project_id
  name                = "adcanary-review"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  deletion_protection = false
  labels              = var.labels

  template {
    service_account = var.service_account
    encryption_key  = var.kms_key

    # One process serves the page, and reads the ledger while nobody asks.
    scaling {
      min_instance_count = 1
      max_instance_count = 1
    }

    containers {
      image = var.image
      args  = ["review"]

      ports {
        container_port = 8640
      }

      dynamic "env" {
        for_each = lookup(var.secrets, "review", {})
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }

      resources {
        cpu_idle = false
        limits   = { cpu = "2000m", memory = var.memory }
      }

      # the page answers its own host name alone, so its port is asked
      startup_probe {
        period_seconds    = 5
        failure_threshold = 24
        tcp_socket {
          port = 8640
        }
      }
    }
  }
}

resource "google_compute_region_network_endpoint_group" "page" {
  project               = var.project_id
  name                  = "adcanary-review"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = "adcanary-review"
  }
}

resource "google_compute_backend_service" "page" {
  project               = var.project_id
  name                  = "adcanary-review"
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"

  backend {
    group = google_compute_region_network_endpoint_group.page.id
  }

  iap {
    enabled = true
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_iap_web_backend_service_iam_member" "people" {
  for_each = var.people

  project             = var.project_id
  web_backend_service = google_compute_backend_service.page.name
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.value
}

# IAP's own account is the only one that may call the container.
resource "google_cloud_run_v2_service_iam_member" "iap" {
  count = var.image == null ? 0 : 1

  project  = var.project_id
  location = google_cloud_run_v2_service.page[0].location
  name     = google_cloud_run_v2_service.page[0].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${var.project_number}@gcp-sa-iap.iam.gserviceaccount.com"
}

resource "google_compute_global_address" "page" {
  project = var.project_id
  name    = "adcanary-review"
}

resource "google_compute_managed_ssl_certificate" "page" {
  project = var.project_id
  # another domain is another certificate, which has to be there before the old one goes
  name = "adcanary-review-${substr(sha256(var.domain), 0, 8)}"

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "page" {
  project         = var.project_id
  name            = "adcanary-review"
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_url_map" "page" {
  project         = var.project_id
  name            = "adcanary-review"
  default_service = google_compute_backend_service.page.id
}

resource "google_compute_target_https_proxy" "page" {
  project          = var.project_id
  name             = "adcanary-review"
  url_map          = google_compute_url_map.page.id
  ssl_certificates = [google_compute_managed_ssl_certificate.page.id]
  ssl_policy       = google_compute_ssl_policy.page.id
}

resource "google_compute_global_forwarding_rule" "page" {
  project               = var.project_id
  name                  = "adcanary-review"
  target                = google_compute_target_https_proxy.page.id
  ip_address            = google_compute_global_address.page.id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
