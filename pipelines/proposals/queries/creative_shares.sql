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
  decisions.platform,
  decisions.account_id,
  decisions.campaign_id,
  decisions.adgroup_id,
  names.adgroup_name,
  decisions.ad_id,
  names.ad_name,
  decisions.current_share,
  decisions.propensity,
  decisions.exploration_floor,
  decisions.best_probability,
  decisions.spend_micros,
  decisions.within_cac_ceiling,
  decisions.policy_cac_micros,
  decisions.policy_cac_low_micros,
  decisions.policy_cac_high_micros,
  decisions.logged_cac_micros,
  decisions.currency_code
FROM contracts.bandit_decisions AS decisions
LEFT JOIN names
  ON
    decisions.platform = names.platform
    AND decisions.account_id = names.account_id
    AND decisions.adgroup_id = names.adgroup_id
    AND decisions.ad_id = names.ad_id
WHERE
  decisions.run_id = @run_id
  AND decisions.arm_kind = 'creative'
  AND decisions.context = 'all'
  AND decisions.verdict = 'PASS'
ORDER BY
  decisions.platform, decisions.account_id, decisions.campaign_id, decisions.adgroup_id,
  decisions.ad_id
