{# Sums and 64-bit types: DuckDB sums integers into 128 bits, and dbt's type_float is 32-bit there. #}
{% macro type_float64() %}{{ return(adapter.dispatch('type_float64')()) }}{% endmacro %}
{% macro duckdb__type_float64() %}double{% endmacro %}
{% macro bigquery__type_float64() %}float64{% endmacro %}

{# Sum of an integer expression as a 64-bit integer; NULL over no rows. #}
{% macro sum_int(expression) -%}
  cast(sum({{ expression }}) as {{ dbt.type_bigint() }})
{%- endmacro %}

{# Rows for which a condition holds: DuckDB's count_if gives 128 bits. #}
{% macro count_where(condition) -%}
  count(case when {{ condition }} then 1 end)
{%- endmacro %}

{# An amount in currency units as integer micros, half away from zero. #}
{% macro to_micros(amount) -%}
  cast(round({{ amount }} * 1000000) as {{ dbt.type_bigint() }})
{%- endmacro %}
