SELECT * FROM canary.canary_changes
WHERE proposal_id = @proposal_id
ORDER BY recorded_at
