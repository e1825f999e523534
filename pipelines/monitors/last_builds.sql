WITH finished AS (
  SELECT MAX(finished_at) AS passed_at
  FROM contracts.builds
  WHERE verdict = 'PASS' AND selection IS NULL
),

published AS (
  SELECT MAX(published_at) AS published_at
  FROM raw.load_ledger
)

SELECT
  builds.verdict,
  builds.started_at,
  builds.finished_at,
  finished.passed_at,
  published.published_at,
  CURRENT_TIMESTAMP() AS asked_at
FROM contracts.builds AS builds
CROSS JOIN finished
CROSS JOIN published
WHERE builds.verdict != 'OUTDATED'
ORDER BY builds.started_at DESC, builds.build_id ASC
LIMIT 1
