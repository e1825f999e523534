SELECT
  predicted_by,
  DATE_TRUNC(COALESCE(effective_on, as_of), MONTH) AS first_of_month,
  COUNT(*) AS told,
  COUNTIF(is_covered) AS covered,
  AVG(realised_orders - predicted_orders_p50) AS bias,
  COUNTIF(SIGN(realised_orders) = SIGN(predicted_orders_p50)) AS right_direction
FROM canary.canary_scorecard
WHERE is_final AND is_covered IS NOT NULL
GROUP BY 1, 2
ORDER BY 2 DESC, 1 ASC
