WITH drafts AS (
  SELECT DISTINCT
    proposal_id,
    revision
  FROM canary.canary_events
  WHERE sequence > @since AND action = 'draft'
)

SELECT proposals.*
FROM canary.canary_proposals AS proposals
INNER JOIN drafts
  ON proposals.proposal_id = drafts.proposal_id AND proposals.revision = drafts.revision
ORDER BY proposals.revision
