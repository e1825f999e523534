# The datasets, and who may read and write them. Tables are the application's: it makes them from
# sql/contracts, dbt makes the rest. Datasets whose views read another one are made before it.

terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

locals {
  common = {
    project_id        = var.project_id
    location          = var.location
    labels            = var.labels
    members           = var.members
    row_writer        = google_project_iam_custom_role.row_writer.name
    time_travel_hours = var.time_travel_hours
    kms_key           = var.kms_key
  }

  described = {
    raw           = "What landing published, as the sources gave it; replaced by slices"
    landing_stage = "Batches before they are published; tables expire"
    staging       = "dbt: raw, renamed and typed"
    intermediate  = "dbt: identity, journeys and spend on their way to marts"
    marts         = "dbt: facts and dimensions, of people too"
    contracts     = "What jobs publish, with verdict and evidence"
    canary        = "Proposals and the hash chain of what was decided"
    reporting     = "Views of marts, contracts and the load ledger without person data, for analysts"
    approvals     = "Views of canary, for approvers"
  }

  # Whose views read it. dbt's models follow ref(); the views for people are in sql/security. A dataset
  # can be named once it is there: intermediate, whose views read marts and are read by them, in the
  # second apply.
  authorised = {
    raw          = ["staging", "reporting"]
    staging      = ["intermediate", "marts"]
    intermediate = ["marts"]
    contracts    = ["staging", "reporting"]
    marts        = concat(["reporting"], var.datasets_are_there ? ["intermediate"] : [])
    canary       = ["approvals"]
  }
}

# Rows, but no tables: whoever has it can't drop, truncate by replacing, or let expire.
resource "google_project_iam_custom_role" "row_writer" {
  project     = var.project_id
  role_id     = "adcanaryRowWriter"
  title       = "adcanary: rows"
  description = "Reads, inserts, updates and deletes rows of tables that are there"
  permissions = [
    "bigquery.datasets.get",
    "bigquery.tables.get",
    "bigquery.tables.getData",
    "bigquery.tables.list",
    "bigquery.tables.updateData",
  ]
}

module "read_by_people" {
  source   = "../dataset"
  for_each = toset(["reporting", "approvals"])

  name              = each.key
  description       = local.described[each.key]
  access            = local.granted[each.key]
  project_id        = local.common.project_id
  location          = local.common.location
  labels            = local.common.labels
  members           = local.common.members
  row_writer        = local.common.row_writer
  time_travel_hours = local.common.time_travel_hours
  kms_key           = local.common.kms_key
}

module "landing_stage" {
  source = "../dataset"

  name              = "landing_stage"
  description       = local.described["landing_stage"]
  access            = local.granted["landing_stage"]
  table_expiry_days = var.stage_expiry_days
  project_id        = local.common.project_id
  location          = local.common.location
  labels            = local.common.labels
  members           = local.common.members
  row_writer        = local.common.row_writer
  time_travel_hours = local.common.time_travel_hours
  kms_key           = local.common.kms_key
}

module "marts" {
  source     = "../dataset"
  depends_on = [module.read_by_people]

  name              = "marts"
  description       = local.described["marts"]
  access            = local.granted["marts"]
  authorised        = local.authorised["marts"]
  project_id        = local.common.project_id
  location          = local.common.location
  labels            = local.common.labels
  members           = local.common.members
  row_writer        = local.common.row_writer
  time_travel_hours = local.common.time_travel_hours
  kms_key           = local.common.kms_key
}

module "canary" {
  source     = "../dataset"
  depends_on = [module.read_by_people]

  name              = "canary"
  description       = local.described["canary"]
  access            = local.granted["canary"]
  authorised        = local.authorised["canary"]
  project_id        = local.common.project_id
  location          = local.common.location
  labels            = local.common.labels
  members           = local.common.members
  row_writer        = local.common.row_writer
  time_travel_hours = local.common.time_travel_hours
  kms_key           = local.common.kms_key
}

module "intermediate" {
  source     = "../dataset"
  depends_on = [module.marts]

  name              = "intermediate"
  description       = local.described["intermediate"]
  access            = local.granted["intermediate"]
  authorised        = local.authorised["intermediate"]
  project_id        = local.common.project_id
  location          = local.common.location
  labels            = local.common.labels
  members           = local.common.members
  row_writer        = local.common.row_writer
  time_travel_hours = local.common.time_travel_hours
  kms_key           = local.common.kms_key
}

module "staging" {
  source     = "../dataset"
  depends_on = [module.intermediate]

  name              = "staging"
  description       = local.described["staging"]
  access            = local.granted["staging"]
  authorised        = local.authorised["staging"]
  project_id        = local.common.project_id
  location          = local.common.location
  labels            = local.common.labels
  members           = local.common.members
  row_writer        = local.common.row_writer
  time_travel_hours = local.common.time_travel_hours
  kms_key           = local.common.kms_key
}

module "raw" {
  source     = "../dataset"
  depends_on = [module.staging]

  name              = "raw"
  description       = local.described["raw"]
  access            = local.granted["raw"]
  authorised        = local.authorised["raw"]
  project_id        = local.common.project_id
  location          = local.common.location
  labels            = local.common.labels
  members           = local.common.members
  row_writer        = local.common.row_writer
  time_travel_hours = local.common.time_travel_hours
  kms_key           = local.common.kms_key
}

module "contracts" {
  source     = "../dataset"
  depends_on = [module.staging]

  name              = "contracts"
  description       = local.described["contracts"]
  access            = local.granted["contracts"]
  authorised        = local.authorised["contracts"]
  project_id        = local.common.project_id
  location          = local.common.location
  labels            = local.common.labels
  members           = local.common.members
  row_writer        = local.common.row_writer
  time_travel_hours = local.common.time_travel_hours
  kms_key           = local.common.kms_key
}

# Queries are paid for by the project: each principal may run jobs, on what it may read.
resource "google_project_iam_member" "jobs" {
  for_each = var.members

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = each.value
}

# "Look up the jobs …", as errors say, takes a role of its own.
resource "google_project_iam_member" "job_history" {
  project = var.project_id
  role    = "roles/bigquery.resourceViewer"
  member  = var.members["engineers"]
}

# GA4's export, where Google writes it.
resource "google_bigquery_dataset_iam_member" "export" {
  for_each = var.export_datasets

  project    = split(".", each.key)[0]
  dataset_id = split(".", each.key)[1]
  role       = "roles/bigquery.dataViewer"
  member     = var.members["ingest"]
}
