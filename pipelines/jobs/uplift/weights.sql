SELECT
  experiment_id,
  variation_id,
  weight
FROM marts.experiment_variations
ORDER BY experiment_id, variation_id
