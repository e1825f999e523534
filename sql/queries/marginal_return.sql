-- Each channel's response curve: orders a week at a spend, and what the next order costs there,
-- with the 80% band. The row with is_current is today's spend. Where the next order costs more than
-- one is worth, stop.
SELECT
  channel,
  weekly_spend_micros / 1000000 AS weekly_spend,
  currency_code,
  is_current,
  ROUND(orders_p50, 1) AS orders,
  ROUND(marginal_cac_micros_p10 / 1000000, 2) AS next_order_low,
  ROUND(marginal_cac_micros_p50 / 1000000, 2) AS next_order,
  ROUND(marginal_cac_micros_p90 / 1000000, 2) AS next_order_high
FROM contracts.mmm_curves
WHERE
  horizon_weeks = 0
  AND run_id = (
    SELECT job_runs.run_id
    FROM contracts.job_runs
    WHERE job_runs.job = 'mmm' AND job_runs.verdict = 'PASS'
    ORDER BY job_runs.as_of DESC, job_runs.finished_at DESC
    LIMIT 1
  )
ORDER BY channel, weekly_spend_micros
