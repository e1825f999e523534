SELECT
  channel,
  marginal_cac_micros_p10,
  marginal_cac_micros_p50,
  marginal_cac_micros_p90,
  currency_code
FROM contracts.mmm_curves
WHERE run_id = @run_id AND is_current AND COALESCE(horizon_weeks, 0) = 0
ORDER BY channel
