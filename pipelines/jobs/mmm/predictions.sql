SELECT
  origin_week,
  week_start,
  orders,
  orders_p10,
  orders_p50,
  orders_p90
FROM contracts.mmm_predictions_weekly
WHERE run_id = @run_id
ORDER BY origin_week, week_start
