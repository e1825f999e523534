variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where containers run."
  type        = string
}

variable "labels" {
  description = "Labels of what runs."
  type        = map(string)
}

variable "image" {
  description = "The image that flows run in; null for none yet."
  type        = string
}

variable "worker_image" {
  description = "The worker's image; null for none yet."
  type        = string
}

variable "work_pool" {
  description = "The name of the work pool."
  type        = string
  default     = "adcanary"
}

variable "prefect_file" {
  description = "The project's prefect.yaml."
  type        = string
}

variable "prefect_api_url" {
  description = "Prefect's API."
  type        = string
}

variable "service_accounts" {
  description = "Addresses of the service accounts, by process."
  type        = map(string)
}

variable "service_account_names" {
  description = "Full names of the service accounts, by process."
  type        = map(string)
}

variable "members" {
  description = "Principals by name: worker and engineers."
  type        = map(string)
}

variable "secrets" {
  description = "By process: environment variable → secret."
  type        = map(map(string))
}

variable "kms_key" {
  description = "The key that containers are encrypted with; null for Google's own."
  type        = string
}
