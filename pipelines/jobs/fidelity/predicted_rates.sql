WITH runs AS (
  SELECT run_id, as_of
  FROM contracts.job_runs
  WHERE
    job = 'bandits'
    AND as_of BETWEEN @since AND @matured
    -- one that was run for a day long past knew how it would end
    AND DATE(finished_at) <= DATE_ADD(as_of, INTERVAL 3 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY as_of ORDER BY finished_at DESC, run_id ASC) = 1
)

SELECT
  decisions.platform,
  decisions.account_id,
  decisions.campaign_id,
  decisions.adgroup_id,
  decisions.ad_id,
  decisions.date,
  decisions.cac_micros,
  decisions.cac_low_micros,
  decisions.cac_high_micros,
  days.cost_reporting_micros,
  days.conversions
FROM contracts.bandit_decisions AS decisions
INNER JOIN runs ON decisions.run_id = runs.run_id
INNER JOIN marts.fct_ad_spend_by_ad_daily AS days
  ON
    decisions.platform = days.platform
    AND decisions.account_id = days.account_id
    AND decisions.campaign_id = days.campaign_id
    AND decisions.adgroup_id = days.adgroup_id
    AND decisions.ad_id = days.ad_id
    AND decisions.date = days.date
    AND decisions.currency_code = days.reporting_currency_code
WHERE
  decisions.context = 'all'
  AND decisions.cac_low_micros > 0
  AND days.finest_level = 'ad'
  AND days.date BETWEEN @since AND @matured
  AND days.cost_reporting_micros > 0
  AND days.conversions IS NOT NULL
ORDER BY
  decisions.platform,
  decisions.account_id,
  decisions.campaign_id,
  decisions.adgroup_id,
  decisions.ad_id,
  decisions.date
