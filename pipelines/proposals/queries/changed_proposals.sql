SELECT proposals.*
FROM canary.canary_proposals AS proposals
INNER JOIN (
  SELECT DISTINCT
    proposal_id,
    revision
  FROM canary.canary_changes
) AS changes
  ON proposals.proposal_id = changes.proposal_id AND proposals.revision = changes.revision
