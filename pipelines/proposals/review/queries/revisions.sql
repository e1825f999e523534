SELECT * FROM canary.canary_proposals
WHERE proposal_id = @proposal_id AND revision BETWEEN @first AND @last
ORDER BY revision
