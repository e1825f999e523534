SELECT
  days.platform,
  days.account_id,
  days.campaign_id,
  MAX(days.date) AS last_date
FROM marts.ads_campaign_daily AS days
INNER JOIN marts.dim_campaign AS campaigns
  ON
    days.platform = campaigns.platform
    AND days.account_id = campaigns.account_id
    AND days.campaign_id = campaigns.campaign_id
WHERE
  days.date BETWEEN @start AND @as_of
  AND days.currency_code != campaigns.currency_code
GROUP BY days.platform, days.account_id, days.campaign_id
ORDER BY days.platform, days.account_id, days.campaign_id
