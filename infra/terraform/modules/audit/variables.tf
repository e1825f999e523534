variable "project_id" {
  description = "The project."
  type        = string
}

variable "location" {
  description = "Where the buckets are."
  type        = string
}

variable "labels" {
  description = "Labels of the buckets."
  type        = map(string)
}

variable "members" {
  description = "Principals by name: proposals, review and engineers."
  type        = map(string)
}

variable "retention_days" {
  description = "For how many days nothing can be changed or deleted."
  type        = number
}

variable "lock_retention" {
  description = "Whether retention is locked, for good."
  type        = bool
}

variable "notification_channels" {
  description = "Who hears of a broken chain."
  type        = list(string)
}

variable "kms_key" {
  description = "The key that objects are encrypted with; null for Google's own."
  type        = string
}
