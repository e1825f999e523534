SELECT previous_hash
FROM canary.canary_events
WHERE sequence = @sequence
