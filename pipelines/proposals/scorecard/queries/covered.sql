SELECT
  predicted_by AS job,
  COALESCE(model_version, '') AS model_version,
  outcome,
  is_covered
FROM canary.canary_scorecard
WHERE is_final AND is_covered IS NOT NULL AND predicted_by IS NOT NULL AND as_of <= @as_of
ORDER BY predicted_by, as_of, window_end, proposal_id
