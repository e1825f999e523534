SELECT * FROM canary.canary_events
WHERE proposal_id = 'ledger' AND action != 'anchor'
ORDER BY sequence
