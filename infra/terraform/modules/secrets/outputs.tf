output "environment" {
  description = "By process: environment variable → secret, for the secrets that are in use."
  value = {
    for process in distinct(values(local.readers)) : process => {
      for name, reader in local.readers :
      (process == "worker" ? upper(name) : "ADCANARY_${upper(name)}") => google_secret_manager_secret_iam_member.reader[name].secret_id
      if reader == process && contains(var.in_use, name)
    }
  }
}

output "names" {
  description = "Every secret's id, by its setting: where values are to be added."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.secret_id }
}
