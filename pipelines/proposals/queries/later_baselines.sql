WITH drafts AS (
  SELECT DISTINCT
    proposal_id,
    revision
  FROM canary.canary_events
  WHERE sequence > @since AND action = 'draft'
)

SELECT baselines.*
FROM canary.canary_budgets_snapshot AS baselines
INNER JOIN drafts
  ON baselines.proposal_id = drafts.proposal_id AND baselines.revision = drafts.revision
ORDER BY baselines.revision
