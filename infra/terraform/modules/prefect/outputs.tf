output "prefect_yaml" {
  description = "The deployments, as `prefect deploy` takes them; null without an image."
  value       = var.image == null ? null : module.deployments.prefect_yaml
}
