SELECT
  event,
  subject,
  severity,
  message
FROM contracts.safety_events
WHERE run_id = @run_id
ORDER BY subject, event
