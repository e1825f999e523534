SELECT
  platform,
  account_id,
  campaign_id,
  plan_owner,
  plan_id,
  line_id,
  start_date,
  end_date,
  planned_to_date_micros,
  spent_to_date_micros,
  variance,
  confidence,
  action,
  currency_code
FROM contracts.media_plan_pacing
WHERE run_id = @run_id AND campaign_id IS NOT NULL
ORDER BY platform, account_id, campaign_id, plan_owner, plan_id, line_id
