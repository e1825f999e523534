WITH drawn AS (
  SELECT DISTINCT
    week_start,
    encoder,
    model_version
  FROM contracts.interest_clusters
  WHERE run_id = @run_id
),

weeks AS (
  SELECT clusters.run_id
  FROM contracts.interest_clusters AS clusters
  INNER JOIN drawn
    ON
      clusters.encoder = drawn.encoder
      AND clusters.model_version = drawn.model_version
      AND clusters.week_start <= drawn.week_start
      AND clusters.week_start > DATE_SUB(drawn.week_start, INTERVAL 84 DAY)
  INNER JOIN contracts.job_runs AS runs ON clusters.run_id = runs.run_id
  WHERE
    runs.job = 'clustering'
    AND (clusters.run_id = @run_id OR clusters.week_start < drawn.week_start)
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY clusters.week_start
      ORDER BY runs.as_of DESC, runs.finished_at DESC, clusters.run_id ASC, clusters.cluster_id ASC
    ) = 1
)

SELECT
  clusters.cluster_id,
  clusters.week_start,
  clusters.label,
  clusters.people,
  clusters.members
FROM contracts.interest_clusters AS clusters
INNER JOIN weeks ON clusters.run_id = weeks.run_id
WHERE clusters.people > 0
ORDER BY clusters.cluster_id, clusters.week_start
