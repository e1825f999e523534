-- What each ad cost; cost that belongs to no ad is in `(none)`, so that it adds up to the
-- campaigns'.
SELECT
  platform,
  campaign_name,
  adgroup_name,
  ad_name,
  finest_level,
  SUM(cost_micros) / 1000000 AS cost,
  currency_code,
  SUM(clicks) AS clicks
FROM marts.ads_ad_report
WHERE date BETWEEN '2026-06-01' AND '2026-06-30'
GROUP BY platform, campaign_name, adgroup_name, ad_name, finest_level, currency_code
ORDER BY SUM(cost_reporting_micros) DESC
