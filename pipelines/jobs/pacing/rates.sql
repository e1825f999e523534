SELECT
  currency_code,
  reporting_currency_code,
  fx_rate,
  fx_date
FROM marts.fx_rates_daily
WHERE date = @as_of AND fx_rate IS NOT NULL
ORDER BY currency_code
