{# Keys and day of every row are in another model too; of the days that the run rebuilds. Gives the
   keys that are not. #}
{% test relationships_of_restated_days(model, to, keys, day, restated_with) %}
{%- set columns = keys + [day] -%}
with ours as (
  select {{ columns | join(', ') }}
  from {{ model }}
  where {{ restated_since(restated_with, day) }}
  group by {{ columns | join(', ') }}
),

theirs as (
  select {{ columns | join(', ') }}, true as is_there
  from {{ to }}
  where {{ restated_since(restated_with, day) }}
  group by {{ columns | join(', ') }}
)

select {{ columns | join(', ') }}
from ours
left join theirs using ({{ columns | join(', ') }})
where is_there is null
{% endtest %}
