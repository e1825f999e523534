SELECT channel, weekly_spend_micros, orders_p10, orders_p50, orders_p90, currency_code
FROM contracts.mmm_curves
WHERE run_id = @run_id AND is_current AND COALESCE(horizon_weeks, 0) = 0
ORDER BY channel
