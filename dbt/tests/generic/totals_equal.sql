{# Integer measures of two models have the same totals, to the last unit, by some columns and by
   `day`. Reads the days that the run rebuilds in `restated_with`. With `where_both` only groups that
   both have count; without it a group that one lacks differs. #}
{% test totals_equal(model, to, by, day, measures, restated_with, where_both=false) %}
{%- set keys = by + [day] -%}
with ours as (
  select
    {{ keys | join(',\n    ') }}
    {%- for measure in measures %},
    {{ sum_int(measure) }} as our_{{ measure }}
    {%- endfor %}
  from {{ model }}
  where {{ restated_since(restated_with, day) }}
  group by {{ keys | join(', ') }}
),

theirs as (
  select
    {{ keys | join(',\n    ') }}
    {%- for measure in measures %},
    {{ sum_int(measure) }} as their_{{ measure }}
    {%- endfor %}
  from {{ to }}
  where {{ restated_since(restated_with, day) }}
  group by {{ keys | join(', ') }}
)

select *
from ours
{{ 'inner' if where_both else 'full outer' }} join theirs using ({{ keys | join(', ') }})
where {% for measure in measures -%}
  {%- if not loop.first %}
  or {% endif -%}
  our_{{ measure }} is distinct from their_{{ measure }}
{%- endfor %}
{% endtest %}
