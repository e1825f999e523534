SELECT DISTINCT
  platform,
  account_id,
  date
FROM marts.ads_account_days
WHERE date BETWEEN @start AND @as_of
ORDER BY platform, account_id, date
