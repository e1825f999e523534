SELECT platform, account_id, campaign_id, field, from_value, to_value
FROM canary.canary_changes
WHERE recorded_at >= @since
ORDER BY platform, account_id, campaign_id
