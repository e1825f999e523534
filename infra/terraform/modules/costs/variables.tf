variable "project_id" {
  description = "The project, for the budget's name."
  type        = string
}

variable "project_number" {
  description = "The project's number."
  type        = string
}

variable "billing_account" {
  description = "The billing account."
  type        = string
}

variable "monthly_budget" {
  description = "What a month should cost at most, in whole units of the account's currency."
  type        = number
}

variable "notification_channels" {
  description = "Who hears of it; five at most, as Google takes."
  type        = list(string)

  validation {
    condition     = length(var.notification_channels) <= 5
    error_message = "A budget has five channels at most: give a group's address."
  }
}
