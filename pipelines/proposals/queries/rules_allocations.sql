SELECT
  allocations.platform,
  allocations.account_id,
  allocations.campaign_id,
  allocations.adgroup_id,
  adgroups.adgroup_name,
  adgroups.adgroup_status,
  adgroups.daily_budget_micros AS present_micros,
  adgroups.currency_code AS present_currency_code,
  allocations.budget_micros,
  allocations.proposed_micros,
  allocations.currency_code,
  allocations.reason
FROM contracts.rules_allocations AS allocations
LEFT JOIN marts.dim_adgroup AS adgroups
  ON
    allocations.platform = adgroups.platform
    AND allocations.account_id = adgroups.account_id
    AND allocations.campaign_id = adgroups.campaign_id
    AND allocations.adgroup_id = adgroups.adgroup_id
WHERE
  allocations.run_id = @run_id
  AND allocations.adgroup_id != '(all)'
  AND allocations.direction IN ('RAISED', 'CUT')
ORDER BY
  allocations.platform, allocations.account_id, allocations.campaign_id, allocations.adgroup_id
