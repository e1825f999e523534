variable "project_id" {
  description = "The project."
  type        = string
}

variable "location" {
  description = "Where the datasets are."
  type        = string
}

variable "labels" {
  description = "Labels of every dataset; the application sets the same."
  type        = map(string)
}

variable "members" {
  description = "Every principal by its name in access.tf: group:… or serviceAccount:…."
  type        = map(string)
}

variable "stage_expiry_days" {
  description = "After how many days a stage is dropped; as pipelines/warehouse/bigquery.py has it."
  type        = number
  default     = 7
}

variable "time_travel_hours" {
  description = "How long deleted rows are kept for time travel."
  type        = number
}

variable "erase_withdrawn_consent" {
  description = "Whether ingestion erases people whose consent is withdrawn."
  type        = bool
}

variable "export_datasets" {
  description = "Datasets of GA4's export, as project.dataset."
  type        = set(string)
}

variable "kms_key" {
  description = "The key that tables are encrypted with; null for Google's own."
  type        = string
}

variable "datasets_are_there" {
  description = "Whether all datasets were made by an earlier apply, so that two may name each other."
  type        = bool
}
