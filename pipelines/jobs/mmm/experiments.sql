SELECT
  account_id,
  experiment_id,
  experiment_name,
  kind,
  channel,
  measured_by,
  start_date,
  end_date,
  counted_to,
  spend_test_micros,
  spend_baseline_micros,
  spend_delta_micros,
  outcome,
  effect,
  standard_error,
  population_share,
  geos,
  currency_code
FROM marts.experiments
WHERE status = 'DONE' AND counted_to <= @as_of
ORDER BY channel, start_date, account_id, experiment_id
