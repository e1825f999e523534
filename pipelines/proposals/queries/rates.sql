SELECT
  currency_code,
  reporting_currency_code,
  fx_rate,
  fx_date
FROM marts.fx_rates_daily
WHERE fx_date <= @as_of AND fx_rate IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY currency_code ORDER BY fx_date DESC, date DESC) = 1
ORDER BY currency_code
