SELECT
  sequence, SUBSTR(event_id, 1, 12) AS link, proposal_id, revision, action, to_state, actor,
  actor_kind, comment, occurred_at
FROM canary.canary_events
WHERE sequence > @since
ORDER BY sequence
