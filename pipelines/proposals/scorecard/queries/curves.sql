SELECT
  run_id, channel, weekly_spend_micros, orders_p10, orders_p50, orders_p90, marginal_orders_p10,
  marginal_orders_p50, marginal_orders_p90, currency_code
FROM contracts.mmm_curves
WHERE is_current AND COALESCE(horizon_weeks, 0) = 0 AND as_of <= @as_of
ORDER BY run_id, channel
