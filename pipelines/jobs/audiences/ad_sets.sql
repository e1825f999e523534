WITH spent AS (
  SELECT
    platform,
    account_id,
    adgroup_id,
    cost_micros_28d,
    conversions_28d,
    currency_code
  FROM marts.ad_features_daily
  WHERE
    level = 'adgroup'
    AND date BETWEEN DATE_SUB(@as_of, INTERVAL 3 DAY) AND @as_of
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY platform, account_id, adgroup_id
    ORDER BY date DESC
  ) = 1
)

SELECT
  adgroups.platform,
  adgroups.account_id,
  adgroups.campaign_id,
  adgroups.adgroup_id,
  adgroups.adgroup_name,
  adgroups.countries,
  adgroups.audience_ids,
  adgroups.excluded_audience_ids,
  adgroups.learning_phase,
  spent.cost_micros_28d,
  spent.conversions_28d,
  spent.currency_code
FROM marts.dim_adgroup AS adgroups
INNER JOIN spent
  ON
    adgroups.platform = spent.platform
    AND adgroups.account_id = spent.account_id
    AND adgroups.adgroup_id = spent.adgroup_id
WHERE
  adgroups.effective_from IS NOT NULL
  AND adgroups.adgroup_status = 'ENABLED'
  AND spent.cost_micros_28d > 0
ORDER BY adgroups.platform, adgroups.account_id, adgroups.campaign_id, adgroups.adgroup_id
