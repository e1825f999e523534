SELECT
  run_id, channel, point, weekly_spend_micros, orders_p10, orders_p50, orders_p90,
  marginal_cac_micros_p10, marginal_cac_micros_p50, marginal_cac_micros_p90, is_current,
  currency_code
FROM contracts.mmm_curves
WHERE
  COALESCE(horizon_weeks, 0) = 0
  AND as_of >= (SELECT DATE_SUB(MAX(as_of), INTERVAL 42 DAY) FROM contracts.mmm_curves)
ORDER BY run_id, channel, point
