-- Were the predictions right? mape is their mean error, coverage_80 the share of outcomes in the
-- 80% interval: near 0.8 is honest. With a verdict other than PASS, no proposal may rest on the
-- job's predictions.
SELECT
  as_of,
  job,
  quantity,
  basis,
  predictions,
  ROUND(mape, 3) AS mape,
  max_mape,
  ROUND(coverage_80, 2) AS coverage_80,
  verdict,
  reason
FROM contracts.fidelity_evaluations
WHERE as_of BETWEEN '2026-06-01' AND '2026-06-30'
ORDER BY as_of DESC, job, quantity, basis
