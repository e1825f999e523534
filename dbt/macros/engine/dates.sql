{# Monday of the day's week: BigQuery's WEEK starts on Sunday, dbt.date_trunc follows it. #}
{% macro week_start(day) %}{{ return(adapter.dispatch('week_start')(day)) }}{% endmacro %}
{% macro duckdb__week_start(day) -%}
  cast(date_trunc('week', {{ day }}) as date)
{%- endmacro %}
{% macro bigquery__week_start(day) -%}
  {#- a DATE already, but for an emulator that truncates to an instant -#}
  cast(date_trunc({{ day }}, week(monday)) as date)
{%- endmacro %}

{# First day of the day's month. #}
{% macro month_start(day) -%}
  cast({{ dbt.date_trunc('month', day) }} as date)
{%- endmacro %}

{# A DATE some days later; dbt.dateadd gives a timestamp. #}
{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days')(day, days)) }}{% endmacro %}
{% macro duckdb__add_days(day, days) -%}
  ({{ day }} + {{ days }})
{%- endmacro %}
{% macro bigquery__add_days(day, days) -%}
  date_add({{ day }}, interval {{ days }} day)
{%- endmacro %}

{# Days from one DATE to another; negative where the other is before it. #}
{% macro days_between(first, last) %}{{ return(adapter.dispatch('days_between')(first, last)) }}{% endmacro %}
{% macro duckdb__days_between(first, last) -%}
  date_diff('day', {{ first }}, {{ last }})
{%- endmacro %}
{% macro bigquery__days_between(first, last) -%}
  date_diff({{ last }}, {{ first }}, day)
{%- endmacro %}

{# A table expression with one DATE column, every `step`-th day from first to last, both inclusive.
   No rows where either is NULL. Use it after `cross join`. #}
{% macro day_series(first, last, column, step=1) %}
  {{- return(adapter.dispatch('day_series')(first, last, column, step)) -}}
{% endmacro %}
{% macro duckdb__day_series(first, last, column, step) -%}
  (
    select cast(unnest(generate_series({{ first }}, {{ last }}, interval {{ step }} day)) as date) as {{ column }}
  ) as {{ column }}_series
{%- endmacro %}
{% macro bigquery__day_series(first, last, column, step) -%}
  unnest(generate_date_array({{ first }}, {{ last }}, interval {{ step }} day)) as {{ column }}
{%- endmacro %}

{# Microseconds since the epoch as an instant. #}
{% macro instant_from_micros(micros) %}{{ return(adapter.dispatch('instant_from_micros')(micros)) }}{% endmacro %}
{% macro duckdb__instant_from_micros(micros) -%}
  cast(make_timestamp({{ micros }}) as timestamptz)
{%- endmacro %}
{% macro bigquery__instant_from_micros(micros) -%}
  timestamp_micros({{ micros }})
{%- endmacro %}

{# A literal of an instant, from a datetime in UTC. #}
{% macro instant(at) -%}
  cast('{{ at.strftime("%Y-%m-%d %H:%M:%S.%f+00:00") }}' as {{ type_instant() }})
{%- endmacro %}
{% macro type_instant() %}{{ return(adapter.dispatch('type_instant')()) }}{% endmacro %}
{% macro duckdb__type_instant() %}timestamptz{% endmacro %}
{% macro bigquery__type_instant() %}timestamp{% endmacro %}

{% macro an_hour_before(at) %}{{ return(adapter.dispatch('an_hour_before')(at)) }}{% endmacro %}
{% macro duckdb__an_hour_before(at) -%}
  ({{ at }} - interval 1 hour)
{%- endmacro %}
{% macro bigquery__an_hour_before(at) -%}
  timestamp_sub({{ at }}, interval 1 hour)
{%- endmacro %}
