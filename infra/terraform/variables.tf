variable "project_id" {
  description = "The Google Cloud project that holds everything; warehouse.project in adcanary.yaml."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id (not its name or number): 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "region" {
  description = "Where containers run and images lie, such as europe-west1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "One region, such as europe-west1; EU and US are locations of data."
  }
}

variable "location" {
  description = "Where datasets and buckets are: EU, US or a region; warehouse.location in adcanary.yaml. It can't be changed later."
  type        = string
  default     = "EU"

  validation {
    condition     = can(regex("^(EU|US|[a-z]+-[a-z]+[0-9]+)$", var.location))
    error_message = "EU, US, or a region such as europe-west1."
  }
}

variable "groups" {
  description = "The Google groups of the people: engineers run the platform, analysts query, approvers decide, privacy_officers hold the salt and answer requests to export or erase a person."
  type = object({
    engineers        = string
    analysts         = string
    approvers        = string
    privacy_officers = string
  })

  validation {
    condition     = alltrue([for address in values(var.groups) : can(regex("^[^@:\\s]+@[^@:\\s]+\\.[a-z]+$", address))])
    error_message = "Each is the plain address of a group, such as engineers@example.com, without group: before it."
  }

  validation {
    condition     = length(distinct(values(var.groups))) == length(values(var.groups))
    error_message = "Four different groups: whoever holds the salt is told apart from whoever reads the data that it hashed."
  }
}

variable "image" {
  description = "The image of infra/docker/Dockerfile (target adcanary), by digest; null until one has been pushed, and nothing runs yet."
  type        = string
  default     = null

  validation {
    condition     = var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest (…@sha256:…): a tag may be another image tomorrow."
  }
}

variable "worker_image" {
  description = "The image of infra/docker/Dockerfile (target worker), by digest; null until one has been pushed, and no worker runs yet."
  type        = string
  default     = null

  validation {
    condition     = var.worker_image == null || can(regex("@sha256:[0-9a-f]{64}$", var.worker_image))
    error_message = "Name the image by its digest (…@sha256:…): a tag may be another image tomorrow."
  }
}

variable "prefect_api_url" {
  description = "The API of the Prefect server or workspace that flows are scheduled by."
  type        = string

  validation {
    condition     = can(regex("^https://.+/api(/.+)?$", var.prefect_api_url))
    error_message = "An address of Prefect's API over HTTPS, such as https://prefect.example.com/api."
  }
}

variable "secrets_in_use" {
  description = "The secrets that have a value in Secret Manager, as pipelines/secret_settings.py names them (and prefect_api_key): only those are given to a process. Add a value first."
  type        = set(string)
  default     = ["hash_salt", "review_key"]
}

variable "review_domain" {
  description = "The host name that people type to reach the review page; its DNS record has to point at the output review_address."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]+$", var.review_domain))
    error_message = "A host name such as review.example.com, without https:// or a path."
  }
}

variable "event_buckets" {
  description = "Buckets of server events and other exports that ingestion reads (sources.server_events.path)."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.event_buckets : !can(regex("/", name))])
    error_message = "Buckets' names, without gs:// and without a folder."
  }
}

variable "export_datasets" {
  description = "Datasets of GA4's export that ingestion reads (sources.ga4_export.dataset), as project.dataset."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.export_datasets : can(regex("^[a-z][a-z0-9-]+\\.[A-Za-z0-9_]+$", name))])
    error_message = "Each as in adcanary.yaml: my-project.analytics_3141592."
  }
}

variable "erase_withdrawn_consent" {
  description = "Whether ingestion may erase a person from every dataset when their consent is withdrawn. Without it, a pull that sees a withdrawal fails, and privacy officers erase by hand."
  type        = bool
  default     = true
}

variable "time_travel_hours" {
  description = "How long BigQuery keeps deleted rows for time travel: an erased person is there for so long, and a mistake can be undone for so long."
  type        = number
  default     = 168

  validation {
    condition     = contains([48, 72, 96, 120, 144, 168], var.time_travel_hours)
    error_message = "BigQuery takes 48 to 168 hours, by whole days."
  }
}

variable "kms_key" {
  description = "A key of Cloud KMS to encrypt datasets, buckets, secrets, images and containers with, as projects/…/cryptoKeys/…; null for Google's own. It has to be in the same location as what it encrypts, so region and location must be one region."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "The key's full name, without a version: projects/P/locations/L/keyRings/R/cryptoKeys/K."
  }

  validation {
    condition     = var.kms_key == null || (var.region == var.location && try(split("/", var.kms_key)[3], "") == var.region)
    error_message = "With a key of one's own, region, location and the key's location must be the same region."
  }
}

variable "retention_days" {
  description = "For how many days nobody can change or delete what the anchor and the audit logs hold."
  type        = number
  default     = 365

  validation {
    condition     = var.retention_days >= 30 && var.retention_days <= 36500 && floor(var.retention_days) == var.retention_days
    error_message = "Whole days, 30 to 36500."
  }
}

variable "lock_retention" {
  description = "Whether retention is locked. Locking can't be undone by anybody, and the project can't be deleted before the days are over: false for a trial."
  type        = bool
  default     = true
}

variable "billing_account" {
  description = "The billing account that pays for the project, whose budget is watched."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "As in 012345-6789AB-CDEF01."
  }
}

variable "monthly_budget" {
  description = "What a month should cost at most, in whole units of the billing account's currency. Alerts only: nothing is switched off. docs/scale.md says what a day costs."
  type        = number

  validation {
    condition     = var.monthly_budget > 0 && floor(var.monthly_budget) == var.monthly_budget
    error_message = "A whole amount above 0."
  }
}

variable "alert_addresses" {
  description = "E-mail addresses that hear of budgets and of failed audits."
  type        = set(string)

  validation {
    condition     = length(var.alert_addresses) > 0 && alltrue([for a in var.alert_addresses : can(regex("^[^@\\s]+@[^@\\s]+$", a))])
    error_message = "At least one e-mail address: an alert that nobody gets is none."
  }
}
