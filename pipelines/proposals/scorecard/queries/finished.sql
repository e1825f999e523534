SELECT DISTINCT proposal_id
FROM canary.canary_scorecard
WHERE is_final AND as_of < @as_of
ORDER BY proposal_id
