SELECT
  client_key,
  ip_prefix,
  window_start,
  browser,
  operating_system
FROM intermediate.int_identity_signals
WHERE signal_date BETWEEN @start AND @as_of
ORDER BY client_key, window_start, ip_prefix, browser, operating_system
