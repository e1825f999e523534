-- Daily reference rates, as landed: units of the quote currency for one unit of the base.
select
  account_id,
  date,
  base_currency,
  quote_currency,
  rate,
  _run_id as run_id
from {{ source('raw', 'fx_rates') }}
