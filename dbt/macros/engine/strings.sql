{# First group of a pattern, NULL where it isn't found; DuckDB gives an empty string. #}
{% macro extract_group(text, pattern) %}{{ return(adapter.dispatch('extract_group')(text, pattern)) }}{% endmacro %}
{% macro duckdb__extract_group(text, pattern) -%}
  nullif(regexp_extract({{ text }}, '{{ pattern }}', 1), '')
{%- endmacro %}
{% macro bigquery__extract_group(text, pattern) -%}
  nullif(regexp_extract({{ text }}, r'{{ pattern }}'), '')
{%- endmacro %}

{# Whether a pattern is found anywhere in a text. #}
{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches')(text, pattern)) }}{% endmacro %}
{% macro duckdb__matches(text, pattern) -%}
  regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}
{% macro bigquery__matches(text, pattern) -%}
  regexp_contains({{ text }}, r'{{ pattern }}')
{%- endmacro %}
