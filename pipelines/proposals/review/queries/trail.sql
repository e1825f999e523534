SELECT
  sequence, proposal_id, revision, action, to_state, actor, actor_kind, comment, occurred_at,
  SUBSTR(event_id, 1, 12) AS link
FROM canary.canary_events
WHERE sequence > @since
ORDER BY sequence
