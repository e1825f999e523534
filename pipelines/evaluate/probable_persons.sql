WITH last_run AS (
  SELECT run_id
  FROM contracts.job_runs
  WHERE job = 'identity_links' AND verdict = 'PASS'
  ORDER BY as_of DESC, finished_at DESC, run_id ASC
  LIMIT 1
),

named AS (
  SELECT DISTINCT person_id
  FROM marts.identity_map
  WHERE node_type IN ('user_id', 'email_hash', 'phone_hash', 'order')
),

devices AS (
  SELECT
    identity_map.node_id AS client_key,
    identity_map.person_id,
    named.person_id IS NOT NULL AS is_known
  FROM marts.identity_map AS identity_map
  LEFT JOIN named ON identity_map.person_id = named.person_id
  WHERE identity_map.node_type = 'device'
),

pairs AS (
  SELECT
    links.client_key_l AS client_key,
    links.client_key_r AS other_key,
    links.match_probability
  FROM contracts.identity_links AS links
  INNER JOIN last_run ON links.run_id = last_run.run_id
  UNION ALL
  SELECT
    links.client_key_r AS client_key,
    links.client_key_l AS other_key,
    links.match_probability
  FROM contracts.identity_links AS links
  INNER JOIN last_run ON links.run_id = last_run.run_id
)

SELECT
  pairs.client_key,
  others.person_id AS probable_person_id,
  pairs.match_probability
FROM pairs
INNER JOIN devices ON pairs.client_key = devices.client_key
INNER JOIN devices AS others ON pairs.other_key = others.client_key
WHERE NOT devices.is_known AND others.is_known AND pairs.match_probability >= @threshold
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY pairs.client_key
  ORDER BY pairs.match_probability DESC, others.person_id ASC
) = 1
