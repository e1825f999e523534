SELECT
  changes.proposal_id,
  changes.revision,
  changes.platform,
  changes.account_id,
  changes.campaign_id,
  changes.from_value,
  changes.to_value,
  proposals.currency_code
FROM canary.canary_changes AS changes
LEFT JOIN canary.canary_proposals AS proposals
  ON
    changes.proposal_id = proposals.proposal_id
    AND changes.revision = proposals.revision
LEFT JOIN canary.canary_events AS revocations
  ON
    changes.proposal_id = revocations.proposal_id
    AND changes.revision = revocations.revision
    AND revocations.action = 'revoke'
WHERE
  changes.recorded_at >= @since
  AND changes.field = 'daily_budget_micros'
  AND revocations.proposal_id IS NULL
ORDER BY changes.platform, changes.account_id, changes.campaign_id, changes.recorded_at
