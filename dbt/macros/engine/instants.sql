{# An instant as microseconds since the epoch: elapsed time is the difference of two of them. #}
{% macro micros_of_instant(at) %}{{ return(adapter.dispatch('micros_of_instant')(at)) }}{% endmacro %}
{% macro duckdb__micros_of_instant(at) -%}
  epoch_us({{ at }})
{%- endmacro %}
{% macro bigquery__micros_of_instant(at) -%}
  unix_micros({{ at }})
{%- endmacro %}

{# The first instant of a day in a time zone given by its IANA name. #}
{% macro day_start(day, time_zone) %}{{ return(adapter.dispatch('day_start')(day, time_zone)) }}{% endmacro %}
{% macro duckdb__day_start(day, time_zone) -%}
  timezone({{ time_zone }}, cast({{ day }} as timestamp))
{%- endmacro %}
{# From a text: the emulator that the tests run on has no timestamp(date, zone). #}
{% macro bigquery__day_start(day, time_zone) -%}
  timestamp(concat(cast({{ day }} as string), ' 00:00:00 ', {{ time_zone }}))
{%- endmacro %}

{# The UTC day of an instant. #}
{% macro utc_day(at) %}{{ return(adapter.dispatch('utc_day')(at)) }}{% endmacro %}
{% macro duckdb__utc_day(at) -%}
  cast(timezone('UTC', {{ at }}) as date)
{%- endmacro %}
{% macro bigquery__utc_day(at) -%}
  date({{ at }})
{%- endmacro %}

{# The day of an instant in a time zone given by its IANA name. #}
{% macro day_in_zone(at, time_zone) %}{{ return(adapter.dispatch('day_in_zone')(at, time_zone)) }}{% endmacro %}
{% macro duckdb__day_in_zone(at, time_zone) -%}
  cast(timezone({{ time_zone }}, {{ at }}) as date)
{%- endmacro %}
{% macro bigquery__day_in_zone(at, time_zone) -%}
  date({{ at }}, {{ time_zone }})
{%- endmacro %}

{# Texts of a group in one, in order. `order_by` must be total. #}
{% macro joined_text(text, delimiter, order_by) -%}
  string_agg({{ text }}, '{{ delimiter }}' order by {{ order_by }})
{%- endmacro %}
