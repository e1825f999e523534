# Prefect's worker: one small container that asks the Prefect server for flow runs and starts each as
# a Cloud Run job. It has no data, and no secret but Prefect's own.

terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

locals {
  flows = ["ingest", "transform", "jobs", "proposals", "monitor", "retention"]
}

# What a worker of the type cloud-run-v2 calls, and no more: it can't touch services, such as the
# review page.
resource "google_project_iam_custom_role" "worker" {
  project     = var.project_id
  role_id     = "adcanaryWorker"
  title       = "adcanary: flow runs"
  description = "Makes, runs, watches and deletes Cloud Run jobs"
  permissions = [
    "run.executions.cancel",
    "run.executions.delete",
    "run.executions.get",
    "run.executions.list",
    "run.jobs.create",
    "run.jobs.delete",
    "run.jobs.get",
    "run.jobs.list",
    "run.jobs.run",
    "run.jobs.runWithOverrides",
    "run.operations.get",
    "run.tasks.get",
    "run.tasks.list",
  ]
}

resource "google_project_iam_member" "worker" {
  project = var.project_id
  role    = google_project_iam_custom_role.worker.name
  member  = var.members["worker"]
}

# It starts containers that run as the flows' accounts, and as no other.
resource "google_service_account_iam_member" "acts_as" {
  for_each = toset(local.flows)

  service_account_id = var.service_account_names[each.key]
  role               = "roles/iam.serviceAccountUser"
  member             = var.members["worker"]
}

resource "google_cloud_run_v2_worker_pool" "worker" {
  count = var.worker_image == null ? 0 : 1

  project             = var.project_id
  name                = "adcanary-worker"
  location            = var.region
  launch_stage        = "BETA"
  deletion_protection = false
  labels              = var.labels

  scaling {
    manual_instance_count = 1
  }

  template {
    service_account = var.service_accounts["worker"]
    encryption_key  = var.kms_key

    containers {
      image = var.worker_image
      args  = ["worker", "start", "--pool", var.work_pool, "--type", "cloud-run-v2"]

      env {
        name  = "PREFECT_API_URL"
        value = var.prefect_api_url
      }

      dynamic "env" {
        for_each = lookup(var.secrets, "worker", {})
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
        limits = { cpu = "1000m", memory = "512Mi" }
      }
    }
  }
}

# At an upgrade: tables that contracts gained since. Any command that opens the warehouse makes them;
# this one has nothing else to do.
resource "google_cloud_run_v2_job" "setup" {
  count = var.image == null ? 0 : 1

  project             = var.project_id
  name                = "adcanary-setup"
  location            = var.region
  deletion_protection = false
  labels              = var.labels

  template {
    template {
      service_account = var.service_accounts["setup"]
      encryption_key  = var.kms_key
      max_retries     = 0
      timeout         = "600s"

      containers {
        image = var.image
        args  = ["privacy", "requests"]

        resources {
          limits = { cpu = "1000m", memory = "1Gi" }
        }
      }
    }
  }
}

# Engineers run it, and no other job.
resource "google_cloud_run_v2_job_iam_member" "setup" {
  count = var.image == null ? 0 : 1

  project  = var.project_id
  location = google_cloud_run_v2_job.setup[0].location
  name     = google_cloud_run_v2_job.setup[0].name
  role     = "roles/run.invoker"
  member   = var.members["engineers"]
}

module "deployments" {
  source = "../deployments"

  prefect_file     = var.prefect_file
  work_pool        = var.work_pool
  image            = coalesce(var.image, "none-yet")
  region           = var.region
  service_accounts = var.service_accounts
  secrets          = var.secrets
}
