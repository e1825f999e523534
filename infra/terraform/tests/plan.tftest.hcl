mock_provider "google" {}

variables {
  project_id      = "my-marketing"
  region          = "europe-west1"
  groups          = { engineers = "engineers@example.com", analysts = "analysts@example.com", approvers = "approvers@example.com", privacy_officers = "privacy@example.com" }
  prefect_api_url = "https://prefect.example.com/api"
  review_domain   = "review.example.com"
  billing_account = "012345-6789AB-CDEF01"
  monthly_budget  = 500
  alert_addresses = ["alerts@example.com"]
  image           = "europe-west1-docker.pkg.dev/p/adcanary/adcanary@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "plan" {
  command = plan
}
