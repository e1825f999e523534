WITH touched AS (
  SELECT DISTINCT proposal_id
  FROM canary.canary_events
  WHERE sequence > @since
),

latest AS (
  SELECT
    proposal_id,
    MAX(revision) AS revision
  FROM canary.canary_proposals
  GROUP BY proposal_id
)

SELECT proposals.*
FROM canary.canary_proposals AS proposals
INNER JOIN touched ON proposals.proposal_id = touched.proposal_id
INNER JOIN latest
  ON
    proposals.proposal_id = latest.proposal_id
    AND proposals.revision BETWEEN latest.revision - @kept AND latest.revision - 1
ORDER BY proposals.proposal_id, proposals.revision
