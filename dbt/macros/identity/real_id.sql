{# An id, NULL where it is a text that software writes for want of one: pipelines/placeholders.yaml and
   `identity.placeholders` of adcanary.yaml list them. Landing leaves them out, but rows that were
   landed before a text was listed hold it still. #}
{% macro real_id(id) -%}
  case when not {{ matches('lower(trim(' ~ id ~ '))', var('placeholders')) }} then {{ id }} end
{%- endmacro %}
