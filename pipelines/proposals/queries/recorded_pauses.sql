WITH latest AS (
  SELECT proposal_id, revision, platform, account_id, campaign_id, to_value, recorded_at
  FROM canary.canary_changes
  WHERE field = 'status'
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY platform, account_id, campaign_id
    ORDER BY recorded_at DESC, proposal_id ASC
  ) = 1
)

SELECT
  latest.proposal_id,
  latest.platform,
  latest.account_id,
  latest.campaign_id,
  latest.recorded_at,
  proposals.expected_effect,
  proposals.currency_code
FROM latest
INNER JOIN canary.canary_proposals AS proposals
  ON
    latest.proposal_id = proposals.proposal_id
    AND latest.revision = proposals.revision
WHERE latest.to_value = 'PAUSED'
ORDER BY latest.platform, latest.account_id, latest.campaign_id
