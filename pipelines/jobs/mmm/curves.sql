SELECT
  channel,
  weekly_spend_micros,
  orders_p10,
  orders_p50,
  orders_p90,
  is_current,
  currency_code
FROM contracts.mmm_curves
WHERE run_id = @run_id AND horizon_weeks = 0
ORDER BY channel, point
