{# Daily partitions where the engine has them: `partition_by` of a model's config. #}
{% macro daily_partitions(column) %}{{ return(adapter.dispatch('daily_partitions')(column)) }}{% endmacro %}
{% macro duckdb__daily_partitions(column) %}{{ return(none) }}{% endmacro %}
{% macro bigquery__daily_partitions(column) %}
  {{ return({'field': column, 'data_type': 'date', 'granularity': 'day'}) }}
{% endmacro %}
