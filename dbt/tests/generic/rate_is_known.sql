{# Every amount could be told in the reporting currency. Gives the currencies that could not, with
   their days; only warns, since what is not known is NULL and nothing is summed around it. #}
{% test rate_is_known(model) %}
{{ config(severity='warn') }}
select
  currency_code,
  min(date) as first_date,
  max(date) as last_date,
  count(*) as row_count,
  'add it and {{ var("reporting_currency") }} to sources.fx_rates.currencies' as fix
from {{ model }}
where fx_rate is null
group by currency_code
{% endtest %}
