SELECT
  exposures.experiment_id,
  exposures.person_id,
  outcomes.event_name,
  outcomes.first_at
FROM marts.experiment_exposures AS exposures
INNER JOIN marts.experiment_outcomes AS outcomes
  ON
    exposures.experiment_id = outcomes.experiment_id
    AND exposures.person_id = outcomes.person_id
WHERE
  exposures.exposed_at >= @start AND exposures.exposed_at < @end AND outcomes.first_at < @end
  -- what every visit has is no outcome
  AND outcomes.event_name NOT IN (
    'session_start', 'first_visit', 'page_view', 'user_engagement', 'scroll'
  )
ORDER BY exposures.experiment_id, exposures.person_id, outcomes.event_name
