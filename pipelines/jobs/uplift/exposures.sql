SELECT
  experiment_id,
  person_id,
  variation_id,
  exposed_at,
  device_category,
  country,
  default_channel_group,
  is_returning,
  earlier_sessions,
  earlier_orders
FROM marts.experiment_exposures
WHERE exposed_at >= @start AND exposed_at < @end
ORDER BY experiment_id, person_id
