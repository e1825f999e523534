WITH latest AS (
  SELECT run_id, as_of
  FROM contracts.job_runs
  WHERE job = 'fidelity' AND as_of <= @as_of
  ORDER BY as_of DESC, finished_at DESC, run_id ASC
  LIMIT 1
)

SELECT
  latest.as_of,
  evaluations.verdict,
  evaluations.reason
FROM contracts.fidelity_evaluations AS evaluations
INNER JOIN latest ON evaluations.run_id = latest.run_id
WHERE evaluations.job = @job
UNION ALL
SELECT
  latest.as_of,
  'FAIL' AS verdict,
  events.message AS reason
FROM contracts.safety_events AS events
INNER JOIN latest ON events.run_id = latest.run_id
WHERE
  events.event = 'input_vanished'
  OR (events.event = 'channel_moved' AND @job = 'mmm')
ORDER BY verdict, reason
