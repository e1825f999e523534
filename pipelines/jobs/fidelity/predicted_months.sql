WITH runs AS (
  SELECT
    run_id,
    as_of,
    finished_at,
    DATE_TRUNC(as_of, MONTH) AS month_start
  FROM contracts.job_runs
  WHERE job = 'pacing' AND as_of BETWEEN @since AND @as_of
),

-- run when the tenth day had just gone, or up to three days later
tenth AS (
  SELECT run_id, as_of
  FROM runs
  WHERE
    EXTRACT(DAY FROM as_of) BETWEEN 10 AND 13
    AND DATE(finished_at) <= DATE_ADD(as_of, INTERVAL 3 DAY)
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY month_start ORDER BY as_of ASC, finished_at DESC, run_id ASC
    ) = 1
),

last_of_month AS (
  SELECT run_id
  FROM runs
  WHERE TRUE
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY month_start ORDER BY as_of DESC, finished_at DESC, run_id ASC
    ) = 1
),

afterwards AS (
  SELECT
    daily.platform,
    daily.account_id,
    daily.campaign_id,
    daily.date,
    daily.currency_code,
    daily.month_target_micros,
    daily.month_forecast_micros,
    daily.month_forecast_high_micros,
    daily.shared_budget_id
  FROM contracts.pacing_daily AS daily
  INNER JOIN last_of_month ON daily.run_id = last_of_month.run_id
),

forecasts AS (
  SELECT
    'backtest' AS basis,
    platform,
    account_id,
    campaign_id,
    date,
    currency_code,
    month_target_micros,
    month_forecast_micros,
    month_forecast_high_micros,
    shared_budget_id
  FROM afterwards
  WHERE EXTRACT(DAY FROM date) = 10
  UNION ALL
  SELECT
    'live' AS basis,
    daily.platform,
    daily.account_id,
    daily.campaign_id,
    daily.date,
    daily.currency_code,
    daily.month_target_micros,
    daily.month_forecast_micros,
    daily.month_forecast_high_micros,
    daily.shared_budget_id
  FROM contracts.pacing_daily AS daily
  INNER JOIN tenth ON daily.run_id = tenth.run_id AND daily.date = tenth.as_of
  LEFT JOIN afterwards
    ON
      daily.platform = afterwards.platform
      AND daily.account_id = afterwards.account_id
      AND daily.campaign_id = afterwards.campaign_id
      AND daily.date = afterwards.date
  -- a budget that was changed since, or a campaign paused, is another month than was forecast
  WHERE
    COALESCE(
      ABS(afterwards.month_target_micros - daily.month_target_micros)
      <= 0.01 * daily.month_target_micros,
      TRUE
    )
),

campaign_days AS (
  SELECT
    platform,
    account_id,
    campaign_id,
    currency_code,
    cost_micros,
    DATE_TRUNC(date, MONTH) AS month_start
  FROM marts.ads_campaign_daily
  WHERE date BETWEEN @since AND @as_of
),

spent AS (
  SELECT
    platform,
    account_id,
    campaign_id,
    month_start,
    MIN(currency_code) AS only_currency,
    SUM(cost_micros) AS month_cost_micros
  FROM campaign_days
  GROUP BY platform, account_id, campaign_id, month_start
  HAVING MIN(currency_code) = MAX(currency_code)
),

account_days AS (
  SELECT
    platform,
    account_id,
    DATE_TRUNC(date, MONTH) AS month_start
  FROM marts.ads_account_days
  WHERE date BETWEEN @since AND @as_of
),

published AS (
  SELECT
    platform,
    account_id,
    month_start
  FROM account_days
  GROUP BY platform, account_id, month_start
  HAVING COUNT(*) = EXTRACT(DAY FROM LAST_DAY(month_start, MONTH))
)

SELECT
  forecasts.basis,
  forecasts.platform,
  forecasts.account_id,
  forecasts.campaign_id,
  forecasts.date,
  forecasts.month_target_micros,
  forecasts.month_forecast_micros,
  forecasts.month_forecast_high_micros,
  CAST(spent.month_cost_micros AS INT64) AS month_cost_micros
FROM forecasts
INNER JOIN spent
  ON
    forecasts.platform = spent.platform
    AND forecasts.account_id = spent.account_id
    AND forecasts.campaign_id = spent.campaign_id
    AND forecasts.currency_code = spent.only_currency
    AND DATE_TRUNC(forecasts.date, MONTH) = spent.month_start
INNER JOIN published
  ON
    spent.platform = published.platform
    AND spent.account_id = published.account_id
    AND spent.month_start = published.month_start
WHERE
  forecasts.shared_budget_id IS NULL
  AND forecasts.month_target_micros > 0
  -- what has stopped spends no more: nothing is forecast
  AND forecasts.month_forecast_high_micros > forecasts.month_forecast_micros
ORDER BY
  forecasts.basis,
  forecasts.platform,
  forecasts.account_id,
  forecasts.campaign_id,
  forecasts.date
