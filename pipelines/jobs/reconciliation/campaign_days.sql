WITH days AS (
  SELECT
    date,
    platform,
    account_id,
    campaign_id,
    default_channel_group,
    linear_conversions_micros,
    0 AS cost_micros,
    CAST(NULL AS STRING) AS channel
  FROM marts.attribution_touch_daily
  WHERE platform != '(none)' AND date BETWEEN @start AND @as_of
  UNION ALL
  SELECT
    date,
    platform,
    account_id,
    campaign_id,
    '(none)' AS default_channel_group,
    0 AS linear_conversions_micros,
    COALESCE(cost_reporting_micros, 0) AS cost_micros,
    channel
  FROM marts.fct_ad_spend_daily
  WHERE date BETWEEN @start AND @as_of
)

SELECT
  date,
  platform,
  account_id,
  campaign_id,
  default_channel_group,
  CAST(SUM(linear_conversions_micros) AS INT64) AS linear_micros,
  CAST(SUM(cost_micros) AS INT64) AS spend_micros,
  MAX(channel) AS channel
FROM days
GROUP BY date, platform, account_id, campaign_id, default_channel_group
HAVING SUM(linear_conversions_micros) > 0 OR SUM(cost_micros) > 0
ORDER BY date, platform, account_id, campaign_id, default_channel_group
