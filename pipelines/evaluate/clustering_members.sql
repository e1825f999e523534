WITH devices AS (
  SELECT DISTINCT
    client_key,
    user_pseudo_id AS client_id
  FROM staging.stg_ga4__events
  WHERE client_key IS NOT NULL
)

SELECT
  members.person_id,
  members.cluster_id,
  members.confidence,
  members.texts,
  devices.client_id
FROM contracts.interest_cluster_members AS members
INNER JOIN marts.identity_map AS identity_map
  ON
    members.person_id = identity_map.person_id
    AND identity_map.node_type = 'device'
INNER JOIN devices ON identity_map.node_id = devices.client_key
WHERE members.run_id = @run_id
ORDER BY members.person_id, devices.client_id
