{# A model's grain: its key columns are never NULL and name a row once. Gives the offending keys.

   For what stands around a table that is built by day (its staging, a view on top of it):
   `restated_with` names that table, and `day` the column of the day, or `instant` one of an instant,
   so that the test reads the days that the run rebuilds. Without either it reads only where the run
   rebuilds every day: enough for a view that joins rows of one grain with keys of another, each
   tested by itself. #}
{% test grain(model, columns, restated_with=none, day=none, instant=none) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
{%- if instant %}
where {{ restated_instants_since(restated_with, instant) }}
{%- elif restated_with %}
where {{ restated_since(restated_with, day) }}
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
  {%- for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
