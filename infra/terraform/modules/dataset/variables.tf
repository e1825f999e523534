variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "The dataset's name, as the SQL has it."
  type        = string
}

variable "description" {
  description = "What is in it, for whoever opens it."
  type        = string
}

variable "location" {
  description = "Where it is."
  type        = string
}

variable "labels" {
  description = "Its labels."
  type        = map(string)
}

variable "access" {
  description = "What each principal may do: own; edit (tables and rows); write (rows); read; see (that tables are there, and their columns)."
  type        = map(string)

  validation {
    condition     = alltrue([for level in values(var.access) : contains(["own", "edit", "write", "read", "see"], level)])
    error_message = "own, edit, write, read or see."
  }

  validation {
    condition     = contains(values(var.access), "own")
    error_message = "A dataset has an owner."
  }
}

variable "members" {
  description = "The principals of access: group:… or serviceAccount:…, by name."
  type        = map(string)
}

variable "authorised" {
  description = "Datasets whose views may read this one."
  type        = set(string)
  default     = []
}

variable "row_writer" {
  description = "The custom role that reads and writes rows and can't make, change or drop a table."
  type        = string
}

variable "table_expiry_days" {
  description = "After how many days a table is dropped; null for never."
  type        = number
  default     = null
}

variable "time_travel_hours" {
  description = "How long deleted rows are kept for time travel."
  type        = number
}

variable "kms_key" {
  description = "The key that its tables are encrypted with; null for Google's own."
  type        = string
}
