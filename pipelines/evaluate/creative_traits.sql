SELECT
  trait,
  feature,
  verdict,
  return_ratio,
  return_ratio_low,
  return_ratio_high,
  together_with
FROM contracts.creative_recommendations
WHERE run_id = @run_id
ORDER BY q_value, p_value, return_ratio DESC, trait
