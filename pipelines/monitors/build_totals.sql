SELECT
  verdict,
  COUNT(*) AS builds,
  MAX(finished_at) AS finished_at,
  SUM(bytes_billed) AS bytes_billed,
  SUM(slot_seconds) AS slot_seconds
FROM contracts.builds
WHERE verdict != 'OUTDATED'
GROUP BY verdict
ORDER BY verdict
