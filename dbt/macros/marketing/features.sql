{# The days of an entity, which follow each other without a gap, up to the row's own. #}
{% macro of_entity() -%}
  partition by level, platform, account_id, campaign_id, adgroup_id, ad_id order by date
{%- endmacro %}

{# Its last days, or those up to some days ago. #}
{% macro last_days(days, upto=0) -%}
  over (
    {{ of_entity() }}
    rows between {{ days + upto - 1 }} preceding and {{ upto ~ ' preceding' if upto else 'current row' }}
  )
{%- endmacro %}

{# All entities of an account that are on its level, on the same day. #}
{% macro of_level() -%}
  over (partition by level, platform, account_id, date)
{%- endmacro %}

{# What it was some days ago; 0 before its first. #}
{% macro days_ago(measure, days) -%}
  lag({{ measure }}, {{ days }}, 0) over ({{ of_entity() }})
{%- endmacro %}

{# Days since a day; 0 for one that is ahead, which the morning after saw. #}
{% macro days_since(day, now) -%}
  case when {{ day }} > {{ now }} then 0 else {{ days_between(day, now) }} end
{%- endmacro %}

{# Change over a week, relative to the week before; NULL where there was nothing. #}
{% macro weekly_change(now, before) -%}
  {{ safe_divide(now, before) }} - 1
{%- endmacro %}

{# Least-squares slope a day of a measure over 14 days; the days that have none don't count. #}
{% macro daily_slope(measure) -%}
  {%- set day = 'case when ' ~ measure ~ ' is not null then day_number end' -%}
  {%- set days = 'count(' ~ measure ~ ') ' ~ last_days(14) -%}
  {%- set sum_x = 'sum(' ~ day ~ ') ' ~ last_days(14) -%}
  {{ safe_divide(
    days ~ ' * sum(day_number * ' ~ measure ~ ') ' ~ last_days(14)
    ~ ' - ' ~ sum_x ~ ' * sum(' ~ measure ~ ') ' ~ last_days(14),
    days ~ ' * sum(day_number * (' ~ day ~ ')) ' ~ last_days(14) ~ ' - ' ~ sum_x ~ ' * ' ~ sum_x
  ) }}
{%- endmacro %}

{# Standard deviation over 14 days, relative to their mean. #}
{% macro volatility(measure) -%}
  {{ safe_divide(
    'stddev_samp(' ~ measure ~ ') ' ~ last_days(14), 'avg(' ~ measure ~ ') ' ~ last_days(14)
  ) }}
{%- endmacro %}
