SELECT
  job,
  quantity,
  basis,
  verdict,
  reason
FROM contracts.fidelity_evaluations
WHERE run_id = @run_id
ORDER BY job, quantity, basis
