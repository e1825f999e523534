SELECT
  (SELECT COUNT(*) FROM canary.canary_events) AS events,
  (SELECT COUNT(*) FROM canary.canary_proposals) AS proposals,
  (SELECT COUNT(*) FROM canary.canary_budgets_snapshot) AS baselines
