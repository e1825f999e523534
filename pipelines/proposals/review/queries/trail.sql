SELECT
  sequence, SUBSTR(event_id, 1, 12) AS link, previous_hash, proposal_id, revision, action, to_state,
  actor, actor_kind, comment, occurred_at, event_id
FROM canary.canary_events
WHERE sequence > @since
ORDER BY sequence
