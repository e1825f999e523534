WITH last_runs AS (
  SELECT
    run_id,
    as_of >= @week_end AS of_this_week
  FROM contracts.job_runs
  WHERE
    job = 'clustering'
    AND verdict = 'PASS'
    AND model_version = @model_version
    AND as_of < @as_of
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY as_of >= @week_end
      ORDER BY as_of DESC, finished_at DESC, run_id ASC
    ) = 1
)

SELECT
  last_runs.of_this_week,
  clusters.cluster_id,
  clusters.label,
  clusters.change,
  clusters.encoder,
  clusters.centroid
FROM contracts.interest_clusters AS clusters
INNER JOIN last_runs ON clusters.run_id = last_runs.run_id
WHERE clusters.people > 0
ORDER BY last_runs.of_this_week, clusters.cluster_id
