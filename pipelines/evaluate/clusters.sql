SELECT
  cluster_id,
  label,
  people,
  share,
  stability
FROM contracts.interest_clusters
WHERE run_id = @run_id
ORDER BY people DESC, cluster_id ASC
