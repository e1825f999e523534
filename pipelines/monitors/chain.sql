WITH chain AS (
  SELECT
    COUNT(*) AS events,
    MAX(sequence) AS last_sequence
  FROM canary.canary_events
)

SELECT
  chain.events,
  last_event.event_id AS last_event,
  head.sequence AS head_sequence,
  head.event_id AS head_event
FROM chain
LEFT JOIN canary.canary_events AS last_event ON chain.last_sequence = last_event.sequence
LEFT JOIN canary.canary_head AS head ON head.chain = 'canary_events'
