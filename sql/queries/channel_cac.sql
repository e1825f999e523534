-- What an order cost by channel over eight weeks, by the attribution job's credit (Markov). Compare
-- channels with it: orders on paths too rare to show are nobody's, so every price is too high, and
-- credit isn't cause. For what the next order costs, see marginal_return.
WITH credit AS (
  SELECT channel, SUM(conversions_micros) / 1000000 AS orders
  FROM contracts.attribution_channel_weekly
  WHERE
    model = 'markov'
    AND week_start BETWEEN '2026-05-04' AND '2026-06-22'
    AND run_id = (
      SELECT job_runs.run_id
      FROM contracts.job_runs
      WHERE job_runs.job = 'attribution' AND job_runs.verdict = 'PASS'
      ORDER BY job_runs.as_of DESC, job_runs.finished_at DESC
      LIMIT 1
    )
  GROUP BY channel
),

spend AS (
  SELECT
    default_channel_group AS channel,
    reporting_currency_code,
    IF(COUNT(*) = COUNT(cost_reporting_micros), SUM(cost_reporting_micros), NULL) / 1000000 AS cost
  FROM marts.attribution_touch_daily
  WHERE date BETWEEN '2026-05-04' AND '2026-06-28' AND platform IS NOT NULL
  GROUP BY channel, reporting_currency_code
  HAVING MAX(cost_micros) > 0
)

SELECT
  spend.channel,
  spend.cost,
  spend.reporting_currency_code,
  ROUND(credit.orders, 1) AS orders,
  ROUND(SAFE_DIVIDE(spend.cost, credit.orders), 2) AS cost_per_order
FROM spend
LEFT JOIN credit ON spend.channel = credit.channel
ORDER BY spend.cost DESC
