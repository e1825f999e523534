SELECT * FROM canary.canary_events
WHERE sequence >= @since
ORDER BY sequence, event_id
