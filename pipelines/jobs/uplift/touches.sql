-- each person's first touch of each channel's ads in a week, to the instant
WITH paid AS (
  SELECT
    default_channel_group AS channel,
    touched_at,
    COALESCE(person_id, client_key) AS toucher
  FROM marts.persistent_touchpoints
  WHERE
    touch_class = 'paid'
    AND NOT is_day_only
    AND touched_at >= @week_start AND touched_at < @week_end
)

SELECT
  channel,
  toucher AS person_id,
  MIN(touched_at) AS first_at
FROM paid
WHERE toucher IS NOT NULL
GROUP BY channel, toucher
ORDER BY channel, toucher
