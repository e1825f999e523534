-- For approvers: what became of each job's proposals, by the latest line of each. covered over told
-- is the share of outcomes within the stated interval (90%); most lines can't be told, which is an
-- answer.
WITH latest AS (
  SELECT *
  FROM canary.canary_scorecard
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY proposal_id ORDER BY as_of DESC) = 1
)

SELECT
  job,
  outcome,
  verdict,
  COUNT(*) AS proposals,
  COUNTIF(verdict = 'TOLD') AS told,
  COUNTIF(is_covered) AS covered,
  ROUND(SUM(predicted_orders_p50), 1) AS predicted_orders,
  ROUND(SUM(realised_orders), 1) AS realised_orders
FROM latest
GROUP BY job, outcome, verdict
ORDER BY job, outcome, verdict
