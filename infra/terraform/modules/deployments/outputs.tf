output "prefect_yaml" {
  description = "What `prefect deploy --all --prefect-file` takes."
  value       = yamlencode(local.content)
}
