SELECT
  channel,
  weekly_spend_micros,
  orders_p10,
  orders_p50,
  orders_p90,
  currency_code,
  CASE
    WHEN orders_p50 > 0
      THEN marginal_orders_p50 * weekly_spend_micros / 1000000 / orders_p50
  END AS elasticity
FROM contracts.mmm_curves
WHERE run_id = @run_id AND is_current AND COALESCE(horizon_weeks, 0) = 0
ORDER BY channel
