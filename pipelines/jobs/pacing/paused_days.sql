SELECT
  days.platform,
  days.account_id,
  days.campaign_id,
  days.date
FROM marts.ads_campaign_daily AS days
INNER JOIN marts.dim_campaign AS campaigns
  ON
    days.platform = campaigns.platform
    AND days.account_id = campaigns.account_id
    AND days.campaign_id = campaigns.campaign_id
WHERE
  days.date BETWEEN @start AND @as_of
  AND days.cost_micros = 0
  AND days.status_on_day IN ('PAUSED', 'REMOVED')
  AND days.date < campaigns.last_date
ORDER BY days.platform, days.account_id, days.campaign_id, days.date
