WITH last_run AS (
  SELECT run_id
  FROM contracts.job_runs
  WHERE job = 'bandits'
  ORDER BY as_of DESC, finished_at DESC, run_id ASC
  LIMIT 1
)

SELECT
  decisions.date,
  decisions.platform,
  decisions.account_id,
  decisions.campaign_id,
  decisions.arm_kind,
  decisions.adgroup_id,
  decisions.ad_id,
  decisions.verdict,
  decisions.current_share,
  decisions.propensity
FROM contracts.bandit_decisions AS decisions
INNER JOIN last_run
  ON decisions.run_id = last_run.run_id
ORDER BY
  decisions.platform,
  decisions.account_id,
  decisions.campaign_id,
  decisions.arm_kind,
  decisions.adgroup_id,
  decisions.ad_id
