SELECT
  channel,
  current_weekly_micros,
  proposed_weekly_micros,
  lower_micros,
  upper_micros,
  delta_orders_p10,
  delta_orders_p50,
  delta_orders_p90,
  currency_code
FROM contracts.mmm_allocations
WHERE run_id = @run_id AND current_weekly_micros > 0
ORDER BY channel
