-- How far each job's predictions were right, by the month in which the change took effect. Bias is
-- of orders a week; a hit is an effect in the direction that was predicted.
WITH latest AS (
  SELECT *
  FROM canary.canary_scorecard
  WHERE as_of <= @as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY proposal_id ORDER BY as_of DESC) = 1
),

judged AS (
  SELECT
    outcome,
    verdict,
    is_covered,
    COALESCE(predicted_by, job, 'none') AS job,
    DATE_TRUNC(COALESCE(effective_on, recorded_on, as_of), MONTH) AS month_start,
    CASE WHEN verdict = 'TOLD' THEN share_carried_out * predicted_orders_p50 END AS predicted_orders,
    CASE WHEN verdict = 'TOLD' THEN realised_orders END AS realised_orders
  FROM latest
)

SELECT
  job,
  month_start,
  COUNT(*) AS proposals,
  COUNTIF(outcome IN ('CARRIED_OUT', 'PARTLY', 'REVERTED')) AS carried_out,
  COUNTIF(verdict = 'INCONCLUSIVE') AS inconclusive,
  COUNTIF(is_covered IS NOT NULL) AS told,
  AVG(CASE WHEN is_covered THEN 1.0 WHEN NOT is_covered THEN 0.0 END) AS coverage_90,
  AVG(CASE WHEN is_covered IS NOT NULL THEN predicted_orders - realised_orders END) AS bias_orders,
  AVG(
    CASE
      WHEN is_covered IS NULL THEN NULL
      WHEN SIGN(predicted_orders) = SIGN(realised_orders) THEN 1.0
      ELSE 0.0
    END
  ) AS hit_rate
FROM judged
GROUP BY job, month_start
ORDER BY job, month_start
