-- Which identifiers joined no records, and why. Of engineers' tables: analysts don't see it.
SELECT node_type, reason, COUNT(*) AS identifiers, MAX(devices) AS most_devices, MAX(names) AS most_names
FROM marts.identity_skipped
GROUP BY node_type, reason
ORDER BY identifiers DESC
