{# A relation with a row for each element of an array column of it: the element is the column `alias`, and its
   fields are `alias.field`. On DuckDB (1.5) a condition on the relation's other columns reaches its rows only
   through an unnest among the selected columns: a lateral join reads them all first. #}
{% macro unnested(relation, column, alias) -%}
  {{- return(adapter.dispatch('unnested')(relation, column, alias)) -}}
{%- endmacro %}
{% macro duckdb__unnested(relation, column, alias) -%}
  (select *, unnest({{ column }}) as {{ alias }} from {{ relation }} as arrays)
{%- endmacro %}
{% macro bigquery__unnested(relation, column, alias) -%}
  (select arrays.*, {{ alias }} from {{ relation }} as arrays cross join unnest(arrays.{{ column }}) as {{ alias }})
{%- endmacro %}
