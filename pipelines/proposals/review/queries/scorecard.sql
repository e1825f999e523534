SELECT
  proposal_id, as_of, kind, platform, campaign_id, predicted_by, outcome, verdict, is_covered,
  predicted_orders_p10, predicted_orders_p50, predicted_orders_p90, realised_orders,
  realised_orders_low, realised_orders_high, shadow_orders_p10, shadow_orders_p50,
  shadow_orders_p90, detectable_orders, reason
FROM canary.canary_scorecard
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY proposal_id ORDER BY as_of DESC) = 1
ORDER BY as_of DESC, proposal_id ASC
LIMIT 200
