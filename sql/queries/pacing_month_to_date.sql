-- Where each campaign's month stands: spend to date against what its budget expects by now, and the
-- forecast of the month's end with its 95% interval. A pace of 1 is on budget.
SELECT
  platform,
  account_id,
  campaign_id,
  date,
  mtd_cost_micros / 1000000 AS month_to_date,
  mtd_target_micros / 1000000 AS expected_by_now,
  ROUND(pace, 2) AS pace,
  month_forecast_micros / 1000000 AS month_end,
  month_forecast_low_micros / 1000000 AS month_end_low,
  month_forecast_high_micros / 1000000 AS month_end_high,
  currency_code,
  classification
FROM contracts.pacing_daily
WHERE
  run_id = (
    SELECT job_runs.run_id
    FROM contracts.job_runs
    WHERE job_runs.job = 'pacing'
    ORDER BY job_runs.as_of DESC, job_runs.finished_at DESC
    LIMIT 1
  )
QUALIFY ROW_NUMBER() OVER (PARTITION BY platform, account_id, campaign_id ORDER BY date DESC) = 1
ORDER BY pace DESC
