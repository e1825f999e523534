SELECT policy
FROM canary.canary_events
WHERE action = 'set_policy'
ORDER BY sequence DESC
LIMIT 1
