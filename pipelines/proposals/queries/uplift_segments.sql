SELECT
  experiment_id,
  variation_id,
  outcome,
  basis,
  e_value,
  segment,
  treated,
  control,
  control_rate,
  uplift,
  uplift_low,
  uplift_high,
  q_value,
  is_discovery
FROM contracts.uplift_segment_daily
WHERE run_id = @run_id AND verdict = 'PASS'
ORDER BY experiment_id, variation_id, segment
