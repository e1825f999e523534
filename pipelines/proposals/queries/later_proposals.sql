SELECT proposals.*
FROM canary.canary_proposals AS proposals
INNER JOIN (
  SELECT DISTINCT
    proposal_id,
    revision
  FROM canary.canary_events
  WHERE sequence > @since AND action = 'draft'
) AS drafts
  ON proposals.proposal_id = drafts.proposal_id AND proposals.revision = drafts.revision
ORDER BY proposals.revision
