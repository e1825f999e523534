SELECT *
FROM canary.canary_scorecard
WHERE as_of <= @as_of
QUALIFY ROW_NUMBER() OVER (PARTITION BY proposal_id ORDER BY as_of DESC) = 1
ORDER BY effective_on, proposal_id
