terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # terraform init -backend-config="bucket=…": a bucket that is there before anything else.
  backend "gcs" {
    prefix = "adcanary"
  }
}

provider "google" {
  project        = var.project_id
  region         = var.region
  default_labels = local.labels
  # Budgets and Identity-Aware Proxy are billed to a project: ours.
  billing_project       = var.project_id
  user_project_override = true
}
