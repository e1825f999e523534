variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where secrets are stored."
  type        = string
}

variable "labels" {
  description = "Labels of every secret."
  type        = map(string)
}

variable "members" {
  description = "Principals by name: ingest, review, worker, engineers and privacy_officers."
  type        = map(string)
}

variable "in_use" {
  description = "Names of secrets that have a value, as in pipelines/secret_settings.py: only those are given to a process, which wouldn't start if one had none."
  type        = set(string)

  validation {
    condition     = contains(var.in_use, "hash_salt")
    error_message = "hash_salt is always in use: ids are hashed before anything lands."
  }

  validation {
    condition     = length(setsubtract(var.in_use, keys(local.readers))) == 0
    error_message = "Only names of pipelines/secret_settings.py, in lower case and without ADCANARY_, and prefect_api_key."
  }
}

variable "kms_key" {
  description = "The key that secrets are encrypted with; null for Google's own."
  type        = string
}
