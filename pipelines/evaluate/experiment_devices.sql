SELECT
  exposures.person_id,
  MIN(events.user_pseudo_id) AS device
FROM marts.experiment_exposures AS exposures
INNER JOIN staging.stg_ga4__events AS events ON exposures.client_key = events.client_key
WHERE exposures.experiment_id = @experiment
GROUP BY exposures.person_id
