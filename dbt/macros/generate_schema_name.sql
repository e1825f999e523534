{# Datasets are named staging, intermediate and marts, without the target's prefix: analysts'
   queries depend on the names. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
