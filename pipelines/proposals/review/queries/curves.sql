WITH newest AS (
  SELECT MAX(as_of) AS as_of FROM contracts.mmm_curves
)

SELECT
  curves.run_id,
  curves.channel,
  curves.point,
  curves.weekly_spend_micros,
  curves.orders_p10,
  curves.orders_p50,
  curves.orders_p90,
  curves.marginal_cac_micros_p10,
  curves.marginal_cac_micros_p50,
  curves.marginal_cac_micros_p90,
  curves.is_current,
  curves.currency_code
FROM contracts.mmm_curves AS curves
INNER JOIN newest
  ON curves.as_of >= DATE_SUB(newest.as_of, INTERVAL 42 DAY)
WHERE COALESCE(curves.horizon_weeks, 0) = 0
ORDER BY curves.run_id, curves.channel, curves.point
