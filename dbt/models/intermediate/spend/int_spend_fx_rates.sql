{{ config(by_day('date', ['raw.fx_rates'], after=7, cluster_by=['currency_code'])) }}
-- Rates to the reporting currency as of each day. The bank prices one euro, so that two other
-- currencies are crossed through it, at rates of the same day. A day without a rate takes the last
-- before it, at most 7 days back.
{{ refuse_another_reporting_currency() }}
with quoted as (
  select date, quote_currency as currency_code, rate
  from {{ ref('stg_fx__rates') }}
  where base_currency = 'EUR' and {{ restated('date', before=7) }}
  -- one bank's word a day, should two be asked
  qualify row_number() over (partition by date, quote_currency order by account_id) = 1
),

per_euro as (
  select date, currency_code, rate
  from quoted
  where currency_code != 'EUR'
  union all
  select distinct date, 'EUR' as currency_code, cast(1 as {{ type_float64() }}) as rate
  from quoted
),

crossed as (
  select
    per_euro.date as fx_date,
    per_euro.currency_code,
    {{ safe_divide('reporting.rate', 'per_euro.rate') }} as fx_rate
  from per_euro
  inner join per_euro as reporting
    on per_euro.date = reporting.date and reporting.currency_code = {{ reporting_currency() }}
),

carried as (
  select carried_day as date, crossed.currency_code, crossed.fx_rate, crossed.fx_date
  from crossed
  cross join {{ day_series('crossed.fx_date', add_days('crossed.fx_date', 7), 'carried_day') }}
)

select
  date,
  currency_code,
  {{ reporting_currency() }} as reporting_currency_code,
  fx_rate,
  fx_date
from carried
where {{ restated('date') }}
qualify row_number() over (partition by date, currency_code order by fx_date desc) = 1
