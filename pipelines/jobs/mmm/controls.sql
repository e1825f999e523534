SELECT
  week_start,
  name,
  value,
  expected_sign,
  known_in_advance
FROM marts.mmm_controls_weekly
WHERE week_start <= @until
ORDER BY week_start, name
