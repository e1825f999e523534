{# A quotient as a 64-bit float, NULL where the denominator is 0 or either is NULL. #}
{% macro safe_divide(numerator, denominator) -%}
  {{ return(adapter.dispatch('safe_divide')(numerator, denominator)) }}
{%- endmacro %}
{% macro duckdb__safe_divide(numerator, denominator) -%}
  (cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}
{% macro bigquery__safe_divide(numerator, denominator) -%}
  safe_divide({{ numerator }}, {{ denominator }})
{%- endmacro %}

{# A ratio of money as whole micros, half away from zero; NULL where the denominator is 0. #}
{% macro micros_per(micros, denominator, per=1) -%}
  cast(
    round({{ safe_divide(micros, denominator) }}{% if per != 1 %} * {{ per }}{% endif %})
    as {{ dbt.type_bigint() }}
  )
{%- endmacro %}

{# An aggregate that is NULL where one of its rows is: a part that is not known is not 0. #}
{% macro if_all_known(expression, aggregate) -%}
  case when count(*) = count({{ expression }}) then {{ aggregate }} end
{%- endmacro %}
