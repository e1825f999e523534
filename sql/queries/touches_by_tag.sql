-- Which campaign a visit's tags mean; campaign_basis `ambiguous` is a name that several campaigns
-- share.
SELECT platform, mkt_campaign, campaign_basis, COUNT(*) AS touches
FROM marts.persistent_touchpoints
WHERE platform IS NOT NULL AND touch_date BETWEEN '2026-06-01' AND '2026-06-30'
GROUP BY platform, mkt_campaign, campaign_basis
ORDER BY touches DESC
