-- How many people are behind our devices, by kind of identifier. Of engineers' tables: analysts
-- don't see it.
SELECT
  node_type,
  COUNT(*) AS identifiers,
  COUNT(DISTINCT person_id) AS persons,
  SUM(IF(method = 'last_seen_on', 1, 0)) AS shared
FROM marts.identity_map
GROUP BY node_type
ORDER BY identifiers DESC
