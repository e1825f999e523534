{# A key over several columns, NULLs counted as empty: MD5 in hex, the same on both engines. #}
{% macro surrogate_key(columns) -%}
  {%- set parts = [] -%}
  {%- for column in columns -%}
    {%- do parts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '')") -%}
    {%- if not loop.last -%}{%- do parts.append("'|'") -%}{%- endif -%}
  {%- endfor -%}
  {{ dbt.hash(dbt.concat(parts)) }}
{%- endmacro %}

{# A text that is not known. #}
{% macro no_text() -%}
  cast(null as {{ dbt.type_string() }})
{%- endmacro %}

{# The node of an order, a lead or an opportunity in identity_map: ids that are unique only within
   their shop or CRM, with a bar between. #}
{% macro node_of(columns) -%}
  {%- set parts = [] -%}
  {%- for column in columns -%}
    {%- do parts.append(column) -%}
    {%- if not loop.last -%}{%- do parts.append("'|'") -%}{%- endif -%}
  {%- endfor -%}
  {{ dbt.concat(parts) }}
{%- endmacro %}
