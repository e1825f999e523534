SELECT
  trait,
  meaning,
  return_ratio,
  return_ratio_low,
  return_ratio_high,
  q_value,
  advice
FROM contracts.creative_recommendations
WHERE
  run_id = @run_id
  AND verdict = 'TRY'
ORDER BY q_value, p_value, return_ratio DESC, trait
