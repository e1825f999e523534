WITH latest AS (
  SELECT run_id
  FROM contracts.job_runs
  WHERE job = 'attribution' AND verdict = 'PASS' AND as_of <= @as_of
  ORDER BY as_of DESC, finished_at DESC, run_id
  LIMIT 1
)

SELECT
  credit.run_id,
  credit.channel,
  CAST(SUM(credit.conversions_micros) AS INT64) AS markov_micros,
  CAST(SUM(credit.linear_conversions_micros) AS INT64) AS linear_micros
FROM contracts.attribution_channel_weekly AS credit
INNER JOIN latest ON credit.run_id = latest.run_id
WHERE credit.model = 'markov'
GROUP BY credit.run_id, credit.channel
ORDER BY credit.channel
