-- For approvers: what waits for a decision, and how much money a week it moves, in the account's
-- currency. A pause moves what the campaign spends, which is in its evidence: its amount here is
-- NULL.
WITH latest AS (
  SELECT *
  FROM canary.canary_events
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY proposal_id ORDER BY sequence DESC) = 1
)

SELECT
  proposals.proposal_id,
  proposals.kind,
  proposals.urgency,
  proposals.platform,
  proposals.target_name,
  proposals.delta_micros * 7 / 1000000 AS weekly_change,
  proposals.currency_code,
  latest.to_state AS state,
  proposals.expires_at
FROM canary.canary_proposals AS proposals
INNER JOIN latest
  ON
    proposals.proposal_id = latest.proposal_id
    AND proposals.revision = latest.revision
WHERE latest.to_state IN ('PENDING_REVIEW', 'CHANGES_REQUESTED', 'APPROVED')
ORDER BY proposals.urgency DESC, ABS(proposals.delta_micros) DESC
