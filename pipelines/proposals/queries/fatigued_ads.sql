WITH names AS (
  SELECT
    platform,
    account_id,
    adgroup_id,
    ad_id,
    MAX(adgroup_name) AS adgroup_name,
    MAX(ad_name) AS ad_name
  FROM marts.ads_ad_report
  WHERE date BETWEEN @start AND @as_of
  GROUP BY platform, account_id, adgroup_id, ad_id
)

SELECT
  fatigue.platform,
  fatigue.account_id,
  fatigue.campaign_id,
  fatigue.adgroup_id,
  names.adgroup_name,
  fatigue.ad_id,
  names.ad_name,
  fatigue.freshness,
  fatigue.freshness_low,
  fatigue.freshness_high,
  fatigue.worn_chance,
  fatigue.others,
  fatigue.gain_low,
  fatigue.gain,
  fatigue.gain_high,
  fatigue.daily_cost_micros,
  fatigue.currency_code
FROM contracts.creative_fatigue AS fatigue
LEFT JOIN names
  ON
    fatigue.platform = names.platform
    AND fatigue.account_id = names.account_id
    AND fatigue.adgroup_id = names.adgroup_id
    AND fatigue.ad_id = names.ad_id
WHERE
  fatigue.run_id = @run_id
  AND fatigue.verdict = 'FATIGUED'
ORDER BY fatigue.platform, fatigue.account_id, fatigue.campaign_id, fatigue.ad_id
