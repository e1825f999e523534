# Who may do what, by dataset: own, edit (tables and rows), write (rows), read, see. Each follows from
# what the process does; tests/unit/test_infra_access.py holds it to the SQL of the code.
#
# ingest      stages batches and publishes them into raw
# transform   dbt: reads raw and what jobs publish, makes staging, intermediate and marts
# jobs        read marts, write contracts
# proposals   read marts and contracts, append to canary
# monitor     reads what is watched, and changes nothing
# retention   deletes events that are too old, and their copies
# review      reads as proposals does, and appends what people decide
# setup       makes the contracts' tables, at an upgrade; nobody else may
locals {
  access = {
    raw           = { ingest = "write", transform = "read", monitor = "read", retention = "write" }
    landing_stage = { ingest = "edit", jobs = "edit", proposals = "edit", review = "edit", retention = "write" }
    staging       = { transform = "edit" }
    intermediate  = { transform = "edit", jobs = "read", retention = "write" }
    marts         = { transform = "edit", jobs = "read", proposals = "read", review = "read" }
    contracts     = { transform = "write", jobs = "write", proposals = "read", review = "read", monitor = "read", retention = "write" }
    canary        = { proposals = "write", review = "write", monitor = "read" }
    reporting     = { analysts = "read" }
    approvals     = { approvers = "read" }
  }

  # Every process opens the warehouse by looking which tables there are.
  processes = ["ingest", "transform", "jobs", "proposals", "monitor", "retention", "review"]
  see       = { for process in local.processes : process => "see" }

  # Where a person's ids may be: an erasure looks everywhere, and deletes or clears rows.
  personal = ["raw", "landing_stage", "staging", "intermediate", "marts", "contracts", "canary"]
  erasers  = concat(["privacy_officers"], var.erase_withdrawn_consent ? ["ingest"] : [])

  granted = {
    for name, access in local.access : name => merge(
      contains(local.personal, name) ? local.see : {},
      contains(local.personal, name) ? { for eraser in local.erasers : eraser => "write" } : {},
      access,
      { engineers = "own", setup = "own" },
    )
  }
}
