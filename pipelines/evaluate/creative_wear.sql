SELECT
  ad_id,
  verdict,
  age_days,
  freshness,
  freshness_low,
  freshness_high,
  days_left_low,
  days_left_high
FROM contracts.creative_fatigue
WHERE run_id = @run_id
ORDER BY ad_id
