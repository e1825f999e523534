{# A model's grain: its key columns are never NULL and name a row once. Gives the offending keys.

   For what stands around a table that is built by day (its staging, a view on top of it):
   `restated_with` names that table and `day` the column of the day, so that the test reads the days
   that the run rebuilds. Without `day` it reads only where the run rebuilds every day. #}
{% test grain(model, columns, restated_with=none, day=none) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
{%- if restated_with %}
where {{ restated_since(restated_with, day) }}
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
  {%- for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
