{# Daily partitions where the engine has them: `partition_by` of a model's config. #}
{% macro daily_partitions(column) %}{{ return(adapter.dispatch('daily_partitions')(column)) }}{% endmacro %}
{% macro duckdb__daily_partitions(column) %}{{ return(none) }}{% endmacro %}
{% macro bigquery__daily_partitions(column) %}
  {{ return({'field': column, 'data_type': 'date', 'granularity': 'day'}) }}
{% endmacro %}

{# Last line of a table that is built by day: DuckDB skips the row groups of other days only where the
   days lie together. BigQuery has partitions for that, and sorts a large result on one machine. #}
{% macro days_together(column) %}{{ return(adapter.dispatch('days_together')(column)) }}{% endmacro %}
{% macro duckdb__days_together(column) -%}
  order by {{ column }}
{%- endmacro %}
{% macro bigquery__days_together(column) %}{% endmacro %}
