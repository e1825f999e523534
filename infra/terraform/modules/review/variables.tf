variable "project_id" {
  description = "The project."
  type        = string
}

variable "project_number" {
  description = "The project's number, which IAP's account and audience are named by."
  type        = string
}

variable "region" {
  description = "Where the container runs."
  type        = string
}

variable "labels" {
  description = "Labels of the container."
  type        = map(string)
}

variable "image" {
  description = "The image; null for none yet."
  type        = string
}

variable "service_account" {
  description = "The address of the page's service account."
  type        = string
}

variable "secrets" {
  description = "By process: environment variable → secret."
  type        = map(map(string))
}

variable "domain" {
  description = "The page's host name."
  type        = string
}

variable "people" {
  description = "Who may reach the page, by name: what each may do there, the policy says."
  type        = map(string)
}

variable "memory" {
  description = "The container's memory. Verifying a million events takes 6 GB (docs/review.md)."
  type        = string
  default     = "4Gi"

  validation {
    condition     = can(regex("^[0-9]+Gi$", var.memory))
    error_message = "Whole gibibytes, such as 4Gi."
  }
}

variable "kms_key" {
  description = "The key that the container is encrypted with; null for Google's own."
  type        = string
}
