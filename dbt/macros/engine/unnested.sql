{# The elements of an array column, to be cross joined: the element is the column `alias`, and its fields
   are `alias.field`. #}
{% macro unnested(column, alias) %}{{ return(adapter.dispatch('unnested')(column, alias)) }}{% endmacro %}
{% macro duckdb__unnested(column, alias) -%}
  unnest({{ column }}) as {{ alias }}_elements ({{ alias }})
{%- endmacro %}
{% macro bigquery__unnested(column, alias) -%}
  unnest({{ column }}) as {{ alias }}
{%- endmacro %}
