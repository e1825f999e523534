SELECT * FROM canary.canary_proposals
WHERE
  proposal_id IN (SELECT proposal_id FROM canary.canary_events WHERE sequence > @since)
QUALIFY ROW_NUMBER() OVER (PARTITION BY proposal_id ORDER BY revision DESC) = 1
ORDER BY as_of DESC, urgency DESC, platform, account_id, campaign_id
