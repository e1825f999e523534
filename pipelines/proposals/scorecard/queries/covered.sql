-- Outcomes of the version of each job that is in use. Those of one platform that are told on one day
-- rest on one curve and one market: together they count as one.
WITH versions AS (
  SELECT job, model_version
  FROM contracts.job_runs
  WHERE as_of <= @as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY job ORDER BY as_of DESC, finished_at DESC, run_id ASC) = 1
)

SELECT
  scorecard.predicted_by AS job,
  scorecard.as_of,
  scorecard.platform,
  scorecard.outcome = 'UNRECORDED' AS is_unrecorded,
  AVG(CASE WHEN scorecard.is_covered THEN 1.0 ELSE 0.0 END) AS covered
FROM canary.canary_scorecard AS scorecard
INNER JOIN versions
  ON
    scorecard.predicted_by = versions.job
    AND scorecard.model_version = versions.model_version
WHERE scorecard.is_final AND scorecard.is_covered IS NOT NULL AND scorecard.as_of <= @as_of
GROUP BY scorecard.predicted_by, scorecard.as_of, scorecard.platform, is_unrecorded
ORDER BY scorecard.predicted_by, scorecard.as_of, scorecard.platform, is_unrecorded
