SELECT cluster_id
FROM contracts.interest_clusters
WHERE run_id = @run_id AND people > 0
ORDER BY cluster_id
