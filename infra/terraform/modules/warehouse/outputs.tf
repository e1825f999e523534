output "datasets" {
  description = "The datasets, by name, with who may do what."
  value       = local.granted
}
