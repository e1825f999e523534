SELECT daily_budget_micros, status, currency_code
FROM canary.canary_budgets_snapshot
WHERE proposal_id = @proposal_id AND revision = @revision
