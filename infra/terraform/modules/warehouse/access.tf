# Who may do what, by dataset: own, edit (tables and rows), write (rows), read, see. Each follows from
# what the process does; tests/unit/test_infra_access.py holds it to the SQL of the code.
#
# ingest      stages batches, publishes them into raw; a withdrawal of consent erases a person everywhere
# transform   dbt: reads raw and what jobs publish, makes staging, intermediate and marts
# jobs        read marts, write contracts
# proposals   read marts and contracts, append to canary
# retention   deletes events that are too old, and their copies
# review      reads as proposals does, and appends what people decide
# setup       makes the contracts' tables, the views for people and the policies of rows
#
# Every process opens the warehouse by looking which tables there are, so it sees every dataset. It
# may make none: that is setup's alone.
locals {
  see = { for process in local.processes : process => "see" }

  access = {
    raw           = merge(local.see, { ingest = "write", transform = "read", retention = "write" })
    landing_stage = merge(local.see, { for process in local.staging : process => "edit" })
    staging       = merge(local.see, { transform = "edit" })
    intermediate  = merge(local.see, { transform = "edit", jobs = "read", retention = "write" })
    marts         = merge(local.see, { transform = "edit", jobs = "read", proposals = "read", review = "read" })
    contracts = merge(local.see, {
      # of a build, a row; of an erasure, that the last build is outdated
      transform = "write", ingest = "write", retention = "write",
      jobs      = "write", proposals = "read", review = "read",
    })
    canary    = merge(local.see, { proposals = "write", review = "write" })
    reporting = { analysts = "read" }
    approvals = { approvers = "read" }
  }

  # rows that come as a file, or are too many for a statement, go through a table that expires
  staging = ["ingest", "jobs", "proposals", "review", "retention"]

  processes = ["ingest", "transform", "jobs", "proposals", "retention", "review"]

  # raw to canary: where a person's ids may be
  personal = ["raw", "landing_stage", "staging", "intermediate", "marts", "contracts", "canary"]
  erasing  = { for name in local.personal : name => name == "landing_stage" ? "edit" : "write" }

  granted = {
    for name, access in local.access : name => merge(
      access,
      var.erase_withdrawn_consent && contains(local.personal, name) ? { ingest = local.erasing[name] } : {},
      contains(local.personal, name) ? { privacy_officers = local.erasing[name] } : {},
      { engineers = "own", setup = "own" },
    )
  }
}
