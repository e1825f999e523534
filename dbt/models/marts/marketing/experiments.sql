-- A row an experiment, in the reporting currency at the rate of the test's last day: what a media
-- mix model can be held against. Its weeks begin on Mondays, as those of mmm_input_weekly.
with experiments as (
  select
    *,
    coalesce(post_end_date, end_date) as counted_to
  from {{ ref('stg_lists__experiments') }}
),

rated as (
  select
    experiments.*,
    case
      when experiments.currency_code = {{ reporting_currency() }} then 1
      else rates.fx_rate
    end as fx_rate,
    case
      when experiments.currency_code = {{ reporting_currency() }} then experiments.end_date
      else rates.fx_date
    end as fx_date
  from experiments
  left join {{ ref('int_spend_fx_rates') }} as rates
    on experiments.end_date = rates.date and experiments.currency_code = rates.currency_code
)

select
  account_id,
  experiment_id,
  name as experiment_name,
  kind,
  channel,
  measured_by,
  status,
  start_date,
  end_date,
  counted_to,
  {{ week_start('start_date') }} as first_week,
  {{ week_start('end_date') }} as last_week,
  {{ week_start('counted_to') }} as last_counted_week,
  -- from the first Monday to the last Sunday of the test
  greatest(
    cast(
      {{ days_between(
        week_start(add_days('start_date', 6)), week_start(add_days('end_date', 1))
      ) }} / 7 as {{ dbt.type_bigint() }}
    ),
    0
  ) as whole_weeks,
  {{ to_reporting_micros('spend_test_micros', 'currency_code', 'fx_rate') }} as spend_test_micros,
  {{ to_reporting_micros('spend_baseline_micros', 'currency_code', 'fx_rate') }}
    as spend_baseline_micros,
  {{ to_reporting_micros('spend_delta_micros', 'currency_code', 'fx_rate') }} as spend_delta_micros,
  outcome,
  case
    when outcome = 'revenue' then {{ to_reporting_value('effect', 'currency_code', 'fx_rate') }}
    else effect
  end as effect,
  case
    when outcome = 'revenue'
      then {{ to_reporting_value('standard_error', 'currency_code', 'fx_rate') }}
    else standard_error
  end as standard_error,
  population_share,
  geos,
  {{ reporting_currency() }} as currency_code,
  fx_rate,
  fx_date
from rated
