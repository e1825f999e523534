SELECT
  account_id,
  plan_id,
  line_id,
  platform,
  planned_campaign_name,
  market,
  product,
  start_date,
  end_date,
  planned_spend_micros,
  currency_code,
  updated_at
FROM marts.media_plans
WHERE start_date <= @as_of AND end_date >= @start
ORDER BY account_id, plan_id, line_id
