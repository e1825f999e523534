WITH changes AS (
  SELECT DISTINCT
    proposal_id,
    revision
  FROM canary.canary_changes
)

SELECT proposals.*
FROM canary.canary_proposals AS proposals
INNER JOIN changes
  ON proposals.proposal_id = changes.proposal_id AND proposals.revision = changes.revision
