SELECT sequence, event_id FROM canary.canary_head
