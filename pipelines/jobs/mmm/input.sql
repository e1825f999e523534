SELECT
  week_start,
  channel,
  currency_code,
  spend_micros,
  orders,
  revenue_micros,
  is_complete
FROM marts.mmm_input_weekly
WHERE week_start <= @last_week_start
ORDER BY week_start, channel
