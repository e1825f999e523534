SELECT * FROM canary.canary_events
WHERE
  sequence <= @since
  AND action IN ('set_policy', 'anchor', 'stop', 'resume', 'record', 'revoke', 'break_glass')
ORDER BY sequence, event_id
