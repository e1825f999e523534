WITH touched AS (
  SELECT DISTINCT proposal_id
  FROM canary.canary_events
  WHERE sequence > @since
)

SELECT proposals.*
FROM canary.canary_proposals AS proposals
INNER JOIN touched ON proposals.proposal_id = touched.proposal_id
WHERE TRUE
QUALIFY
  ROW_NUMBER() OVER (PARTITION BY proposals.proposal_id ORDER BY proposals.revision DESC) = 1
ORDER BY
  proposals.as_of DESC, proposals.urgency DESC, proposals.platform, proposals.account_id,
  proposals.campaign_id
