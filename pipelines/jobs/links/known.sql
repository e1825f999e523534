WITH named AS (
  SELECT DISTINCT person_id
  FROM marts.identity_map
  WHERE node_type IN ('user_id', 'email_hash', 'phone_hash', 'order')
),

seen AS (
  SELECT DISTINCT client_key
  FROM intermediate.int_identity_signals
  WHERE signal_date BETWEEN @start AND @as_of
)

SELECT
  identity_map.node_id AS client_key,
  identity_map.person_id
FROM marts.identity_map AS identity_map
INNER JOIN seen ON identity_map.node_id = seen.client_key
INNER JOIN named ON identity_map.person_id = named.person_id
WHERE identity_map.node_type = 'device'
ORDER BY identity_map.node_id, identity_map.person_id
