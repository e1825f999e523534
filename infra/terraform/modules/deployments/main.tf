# prefect.yaml for Cloud Run: the project's own file, with a container, an identity and secrets for
# each flow. It needs no provider, so `terraform apply` in this folder alone shows what comes of it.
#
# The daily flow runs its four steps in one process, which would have all rights at once. Here each
# step is a deployment under its own service account, and the end of one starts the next, as
# flows/daily.py does it: transform also runs where accounts failed, and propose where jobs did.

locals {
  project = yamldecode(file(var.prefect_file))
  written = { for deployment in local.project.deployments : deployment.name => deployment }

  # flow → whose service account it runs under. The daily flow is the chain below, and BigQuery keeps
  # seven days of every table by itself, so there is nothing to back up.
  identities = {
    ingest    = "ingest"
    transform = "transform"
    decide    = "jobs"
    propose   = "proposals"
    gates     = "monitor"
    verify    = "proposals"
    retention = "retention"
  }

  # deployment → its flow, as its entrypoint has it
  flows = { for name, deployment in local.written : name => trimprefix(split(".", deployment.entrypoint)[0], "flows/") }

  chain = [
    { flow = "ingest", after = null, states = [] },
    { flow = "transform", after = "ingest", states = ["Completed", "Failed"] },
    { flow = "decide", after = "transform", states = ["Completed"] },
    { flow = "propose", after = "decide", states = ["Completed", "Failed"] },
  ]

  pools = {
    for flow, identity in local.identities : flow => {
      name = var.work_pool
      job_variables = {
        image                = var.image
        region               = var.region
        service_account_name = var.service_accounts[identity]
        cpu                  = var.resources[flow].cpu
        memory               = var.resources[flow].memory
        timeout              = var.timeout_seconds
        # Prefect starts a flow again itself; a container that Cloud Run restarts would be unknown to it
        max_retries = 0
        env_from_secrets = {
          for variable, secret in lookup(var.secrets, identity, {}) :
          variable => { secret = secret, version = "latest" }
        }
      }
    }
  }

  # all others of prefect.yaml
  single = [
    for deployment in local.project.deployments :
    merge(deployment, { work_pool = local.pools[local.flows[deployment.name]] })
    if contains(keys(local.identities), local.flows[deployment.name])
  ]

  daily = [
    for step in local.chain : merge(
      local.written[step.flow],
      {
        name = "daily-${step.flow}"
        tags = ["adcanary", "daily"]
        parameters = merge(
          local.written[step.flow].parameters,
          { for name, value in local.written["daily"].parameters : name => value if step.flow == "decide" },
        )
        schedules = step.after == null ? local.written["daily"].schedules : []
        work_pool = local.pools[step.flow]
      },
      step.after == null ? { description = "The first step of the day.", triggers = [] } : {
        description                      = "The step of the day after ${step.after}."
        triggers = [{
          type    = "event"
          enabled = true
          match   = { "prefect.resource.id" = "prefect.flow-run.*" }
          match_related = {
            "prefect.resource.name" = "daily-${step.after}"
            "prefect.resource.role" = "deployment"
          }
          expect = [for state in step.states : "prefect.flow-run.${state}"]
        }]
      },
    )
  ]

  content = {
    name            = local.project.name
    prefect-version = local.project.prefect-version
    pull            = [{ "prefect.deployments.steps.set_working_directory" = { directory = var.directory } }]
    deployments     = concat(local.daily, local.single)
  }
}
