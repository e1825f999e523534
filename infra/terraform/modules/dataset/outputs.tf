output "name" {
  description = "The dataset's name, once it is there."
  value       = google_bigquery_dataset.this.dataset_id
}
