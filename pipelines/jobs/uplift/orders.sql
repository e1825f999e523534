-- orders of a week and of those after it: one is known to have come by the end of its visit
WITH ordering AS (
  SELECT
    end_tstamp,
    session_id,
    COALESCE(person_id, client_key) AS buyer
  FROM marts.journey_sessions
  WHERE purchases > 0 AND end_tstamp >= @week_start AND end_tstamp < @end
)

SELECT
  buyer AS person_id,
  end_tstamp AS ordered_at
FROM ordering
ORDER BY buyer, end_tstamp, session_id
