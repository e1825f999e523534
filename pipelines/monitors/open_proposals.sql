WITH latest AS (
  SELECT
    proposal_id,
    revision,
    kind,
    expires_at
  FROM canary.canary_proposals
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY proposal_id ORDER BY revision DESC) = 1
),

states AS (
  SELECT
    proposal_id,
    revision,
    to_state
  FROM canary.canary_events
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY proposal_id, revision ORDER BY sequence DESC) = 1
),

begun AS (
  SELECT
    proposal_id,
    MIN(occurred_at) AS proposed_at
  FROM canary.canary_events
  GROUP BY proposal_id
)

SELECT
  latest.kind,
  states.to_state AS state,
  COUNT(*) AS proposals,
  COUNTIF(latest.expires_at > @now AND latest.expires_at <= @soon) AS expiring,
  MIN(begun.proposed_at) AS oldest
FROM latest
INNER JOIN states
  ON latest.proposal_id = states.proposal_id AND latest.revision = states.revision
INNER JOIN begun ON latest.proposal_id = begun.proposal_id
WHERE states.to_state IN ('DRAFT', 'PENDING_REVIEW', 'CHANGES_REQUESTED', 'APPROVED')
GROUP BY latest.kind, states.to_state
ORDER BY latest.kind, states.to_state
