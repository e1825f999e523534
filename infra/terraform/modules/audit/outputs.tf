output "anchor" {
  description = "Where the chain's heads are anchored."
  value       = "gs://${google_storage_bucket.kept["anchor"].name}"
}

output "logs" {
  description = "Where audit logs are kept."
  value       = "gs://${google_storage_bucket.kept["logs"].name}"
}
