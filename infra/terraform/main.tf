# adcanary on Google Cloud: one project, in this order: APIs, identities, key, data, what runs, what
# watches. docs/infrastructure.md says how to set it up, and why who may do what.

locals {
  labels = { app = "adcanary" }

  apis = [
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ]

  people  = { for name, address in var.groups : name => "group:${address}" }
  members = merge(local.people, module.identities.members)

  # whoever reads or writes data; the worker and those who only decide don't
  readers = { for name, member in local.members : name => member if name != "worker" }
}

data "google_project" "this" {
  project_id = var.project_id
  depends_on = [google_project_service.api]
}

resource "google_project_service" "api" {
  for_each = toset(local.apis)

  project            = var.project_id
  service            = each.key
  disable_on_destroy = false
}

module "identities" {
  source     = "./modules/identities"
  depends_on = [google_project_service.api]

  project_id = var.project_id
}

# Where server events lie; the other files that are read are in the image, or mounted.
resource "google_storage_bucket_iam_member" "events" {
  for_each = var.event_buckets

  bucket = each.key
  role   = "roles/storage.objectViewer"
  member = local.members["ingest"]
}

resource "google_artifact_registry_repository" "images" {
  project       = var.project_id
  location      = var.region
  repository_id = "adcanary"
  description   = "Images of adcanary and of its worker"
  format        = "DOCKER"
  kms_key_name  = var.kms_key
  labels        = local.labels
  depends_on    = [google_kms_crypto_key_iam_member.service]

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "2592000s"
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "engineers" {
  project    = var.project_id
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = local.members["engineers"]
}

module "warehouse" {
  source     = "./modules/warehouse"
  depends_on = [google_kms_crypto_key_iam_member.service]

  project_id              = var.project_id
  location                = var.location
  labels                  = local.labels
  members                 = local.readers
  time_travel_hours       = var.time_travel_hours
  erase_withdrawn_consent = var.erase_withdrawn_consent
  export_datasets         = var.export_datasets
  datasets_are_there      = var.image != null
  kms_key                 = var.kms_key
}

module "secrets" {
  source     = "./modules/secrets"
  depends_on = [google_kms_crypto_key_iam_member.service]

  project_id = var.project_id
  region     = var.region
  labels     = local.labels
  members    = local.members
  in_use     = var.secrets_in_use
  kms_key    = var.kms_key
}

module "prefect" {
  source     = "./modules/prefect"
  depends_on = [google_kms_crypto_key_iam_member.service]

  project_id            = var.project_id
  region                = var.region
  labels                = local.labels
  image                 = var.image
  worker_image          = var.worker_image
  prefect_file          = "${path.root}/../../prefect.yaml"
  prefect_api_url       = var.prefect_api_url
  service_accounts      = module.identities.emails
  service_account_names = module.identities.names
  members               = local.members
  secrets               = module.secrets.environment
  kms_key               = var.kms_key
}

module "review" {
  source     = "./modules/review"
  depends_on = [google_kms_crypto_key_iam_member.service]

  project_id      = var.project_id
  project_number  = data.google_project.this.number
  region          = var.region
  labels          = local.labels
  image           = var.image
  service_account = module.identities.emails["review"]
  secrets         = module.secrets.environment
  domain          = var.review_domain
  people          = { for name in ["approvers", "engineers"] : name => local.people[name] }
  kms_key         = var.kms_key
}

module "audit" {
  source     = "./modules/audit"
  depends_on = [google_kms_crypto_key_iam_member.service]

  project_id            = var.project_id
  location              = var.location
  labels                = local.labels
  members               = local.members
  retention_days        = var.retention_days
  lock_retention        = var.lock_retention
  notification_channels = local.channels
  kms_key               = var.kms_key
}

module "costs" {
  source     = "./modules/costs"
  depends_on = [google_project_service.api]

  project_id            = var.project_id
  project_number        = data.google_project.this.number
  billing_account       = var.billing_account
  monthly_budget        = var.monthly_budget
  notification_channels = local.channels
}

locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]
}

resource "google_monitoring_notification_channel" "email" {
  for_each   = var.alert_addresses
  depends_on = [google_project_service.api]

  project      = var.project_id
  display_name = "adcanary: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
}
