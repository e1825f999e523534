SELECT * FROM canary.canary_proposals
WHERE proposal_id = @proposal_id
ORDER BY revision
