{# The value of a GA4 event parameter, the first where the key is repeated; NULL where it is absent.
   `field` is string_value, int_value, float_value or double_value. #}
{% macro event_param(key, field) %}{{ return(adapter.dispatch('event_param')(key, field)) }}{% endmacro %}
{% macro duckdb__event_param(key, field) -%}
  list_filter(event_params, lambda param: param.key = '{{ key }}')[1].value.{{ field }}
{%- endmacro %}
{% macro bigquery__event_param(key, field) -%}
  (
    select param.value.{{ field }}
    from unnest(event_params) as param with offset as position
    where param.key = '{{ key }}'
    order by position
    limit 1
  )
{%- endmacro %}
