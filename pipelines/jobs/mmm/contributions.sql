SELECT
  brought.channel,
  brought.week_start,
  brought.orders_mean,
  weeks.orders
FROM contracts.mmm_contributions_weekly AS brought
INNER JOIN contracts.mmm_predictions_weekly AS weeks
  ON brought.run_id = weeks.run_id AND brought.week_start = weeks.week_start
WHERE brought.run_id = @run_id AND weeks.week_start <= weeks.origin_week
ORDER BY brought.channel, brought.week_start
