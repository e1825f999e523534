output "address" {
  description = "The address that the domain's DNS record (type A) points at."
  value       = google_compute_global_address.page.address
}

output "audience" {
  description = "What IAP's assertions are for: review.iap.audience in adcanary.yaml."
  value       = "/projects/${var.project_number}/global/backendServices/${google_compute_backend_service.page.generated_id}"
}
