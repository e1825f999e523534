output "emails" {
  description = "Each process's service account, by its address."
  value       = { for name, account in google_service_account.process : name => account.email }
}

output "members" {
  description = "Each process's service account, as IAM names it."
  value       = { for name, account in google_service_account.process : name => account.member }
}

output "names" {
  description = "Each process's service account, by its full name."
  value       = { for name, account in google_service_account.process : name => account.name }
}
