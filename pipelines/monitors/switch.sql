SELECT
  action,
  occurred_at
FROM canary.canary_events
WHERE action IN ('stop', 'resume')
ORDER BY sequence DESC
LIMIT 1
