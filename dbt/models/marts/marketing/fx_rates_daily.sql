-- Exchange rates to the reporting currency by day: what converts every amount that proposals compare.
select
  date,
  currency_code,
  reporting_currency_code,
  fx_rate,
  fx_date
from {{ ref('int_spend_fx_rates') }}
