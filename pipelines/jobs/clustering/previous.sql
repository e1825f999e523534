WITH last_run AS (
  SELECT run_id
  FROM contracts.job_runs
  WHERE
    job = 'clustering'
    AND verdict = 'PASS'
    AND model_version = @model_version
    AND as_of < @week_end
  ORDER BY as_of DESC, finished_at DESC, run_id ASC
  LIMIT 1
)

SELECT
  clusters.cluster_id,
  clusters.label,
  clusters.week_start,
  clusters.encoder,
  clusters.centroid
FROM contracts.interest_clusters AS clusters
INNER JOIN last_run ON clusters.run_id = last_run.run_id
WHERE clusters.people > 0
ORDER BY clusters.cluster_id
