SELECT
  channel, current_weekly_micros, proposed_weekly_micros, is_recommended, binding,
  delta_orders_p10, delta_orders_p50, delta_orders_p90, order_value_micros, currency_code
FROM contracts.mmm_allocations
WHERE run_id = @run_id
ORDER BY channel
