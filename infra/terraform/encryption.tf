# With a key of one's own, each of Google's services that store or run something has to be let use it.
locals {
  number = data.google_project.this.number

  services = {
    bigquery = "bq-${local.number}@bigquery-encryption.iam.gserviceaccount.com"
    images   = "service-${local.number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
    run      = "service-${local.number}@serverless-robot-prod.iam.gserviceaccount.com"
    secrets  = "service-${local.number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
    buckets  = data.google_storage_project_service_account.this.email_address
  }
}

data "google_storage_project_service_account" "this" {
  project    = var.project_id
  depends_on = [google_project_service.api]
}

resource "google_kms_crypto_key_iam_member" "service" {
  for_each = { for name, account in local.services : name => account if var.kms_key != null }

  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${each.value}"
}
