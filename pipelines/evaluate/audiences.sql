SELECT
  finding,
  adgroup_ids
FROM contracts.audience_findings
WHERE run_id = @run_id
ORDER BY finding, adgroup_ids
