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

{# SHA-256 of a text, as hex in small letters: how the names of campaigns are kept. #}
{% macro sha256_hex(text) %}{{ return(adapter.dispatch('sha256_hex')(text)) }}{% endmacro %}
{% macro duckdb__sha256_hex(text) -%}
  sha256({{ text }})
{%- endmacro %}
{% macro bigquery__sha256_hex(text) -%}
  to_hex(sha256({{ text }}))
{%- endmacro %}
