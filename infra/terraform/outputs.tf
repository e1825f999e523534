output "images" {
  description = "Where images are pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "datasets" {
  description = "Who may do what in each dataset."
  value       = module.warehouse.datasets
}

output "secrets" {
  description = "The secrets whose values people add, by setting."
  value       = module.secrets.names
}

output "prefect_yaml" {
  description = "The deployments: terraform output -raw prefect_yaml > deploy.yaml && prefect deploy --all --prefect-file deploy.yaml"
  value       = module.prefect.prefect_yaml
}

output "review_address" {
  description = "The address that the review page's DNS record (type A) points at."
  value       = module.review.address
}

output "review_audience" {
  description = "review.iap.audience in adcanary.yaml."
  value       = module.review.audience
}

output "anchor" {
  description = "The bucket that the chain's heads are anchored in."
  value       = module.audit.anchor
}

output "audit_logs" {
  description = "Where audit logs are kept."
  value       = module.audit.logs
}

output "budget" {
  description = "The budget that is watched."
  value       = module.costs.budget
}

output "person_rows" {
  description = "The policies of rows about people, for an engineer to run: terraform output -raw person_rows | bq query --use_legacy_sql=false"
  value       = templatefile("${path.root}/../../sql/security/person_rows.sql", merge(var.groups, module.identities.emails))
}
