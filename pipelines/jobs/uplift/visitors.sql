-- who had visited in the weeks before, and what was known of them when the week began
WITH visits AS (
  SELECT
    device_category,
    country,
    default_channel_group,
    ad_platform,
    purchases,
    start_tstamp,
    session_id,
    COALESCE(person_id, client_key) AS visitor
  FROM marts.journey_sessions
  WHERE start_tstamp >= @since AND end_tstamp < @week_start
),

ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY visitor ORDER BY start_tstamp DESC, session_id ASC) AS recency
  FROM visits
)

SELECT
  visitor AS person_id,
  MAX(CASE WHEN recency = 1 THEN device_category END) AS last_device,
  MAX(CASE WHEN recency = 1 THEN country END) AS last_country,
  MAX(CASE WHEN recency = 1 THEN default_channel_group END) AS last_channel,
  COUNT(*) AS earlier_sessions,
  SUM(purchases) AS earlier_orders,
  COUNTIF(ad_platform IS NOT NULL) AS earlier_ad_visits,
  MAX(start_tstamp) AS last_visit_at
FROM ranked
GROUP BY visitor
ORDER BY visitor
