WITH latest AS (
  SELECT
    proposal_id,
    MAX(revision) AS revision
  FROM canary.canary_proposals
  GROUP BY proposal_id
),

touched AS (
  SELECT DISTINCT proposal_id
  FROM canary.canary_events
  WHERE sequence > @since
)

SELECT events.*
FROM canary.canary_events AS events
INNER JOIN latest
  ON events.proposal_id = latest.proposal_id AND events.revision = latest.revision
INNER JOIN touched ON events.proposal_id = touched.proposal_id
WHERE TRUE
QUALIFY
  events.action IN ('draft', 'approve')
  OR ROW_NUMBER() OVER (
    PARTITION BY events.proposal_id, events.revision ORDER BY events.sequence DESC
  ) = 1
ORDER BY events.sequence
