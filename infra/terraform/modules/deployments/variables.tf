variable "prefect_file" {
  description = "The project's prefect.yaml, whose flows, schedules and limits hold here too."
  type        = string
}

variable "work_pool" {
  description = "The name of the work pool; of type cloud-run-v2."
  type        = string
}

variable "image" {
  description = "The image that flows run in."
  type        = string
}

variable "directory" {
  description = "Where the flows and adcanary.yaml are in the image."
  type        = string
  default     = "/srv/adcanary"
}

variable "region" {
  description = "Where containers run."
  type        = string
}

variable "service_accounts" {
  description = "Addresses of the service accounts ingest, transform, jobs, proposals, monitor and retention."
  type        = map(string)
}

variable "secrets" {
  description = "By service account: environment variable → secret."
  type        = map(map(string))
}

variable "timeout_seconds" {
  description = "After how long Cloud Run ends a flow's container."
  type        = number
  default     = 14400

  validation {
    condition     = var.timeout_seconds >= 600 && var.timeout_seconds <= 604800
    error_message = "From ten minutes to Cloud Run's seven days."
  }
}

variable "resources" {
  description = "Each flow's share of a machine. decide samples the media mix, and is the largest."
  type        = map(object({ cpu = string, memory = string }))
  default = {
    ingest    = { cpu = "1000m", memory = "2Gi" }
    transform = { cpu = "1000m", memory = "2Gi" }
    decide    = { cpu = "4000m", memory = "8Gi" }
    propose   = { cpu = "2000m", memory = "4Gi" }
    gates     = { cpu = "1000m", memory = "2Gi" }
    verify    = { cpu = "1000m", memory = "2Gi" }
    retention = { cpu = "1000m", memory = "1Gi" }
  }

  validation {
    condition     = alltrue([for flow in ["ingest", "transform", "decide", "propose", "gates", "verify", "retention"] : contains(keys(var.resources), flow)])
    error_message = "A line for each of ingest, transform, decide, propose, gates, verify and retention."
  }
}
