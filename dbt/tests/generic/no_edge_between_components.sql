{# No edge spans two components, and no end of an edge is in none; of the edges that were seen on days
   that the run rebuilds in `restated_with`. Gives the offending edges. #}
{% test no_edge_between_components(model, edges, restated_with) %}
with ends as (
  select
    edges.left_type,
    edges.left_id,
    edges.right_type,
    edges.right_id,
    case
      when sides.side = 'left' then {{ identity_node('edges.left_type', 'edges.left_id') }}
      else {{ identity_node('edges.right_type', 'edges.right_id') }}
    end as node
  from {{ edges }} as edges
  cross join (select 'left' as side union all select 'right') as sides
  where {{ restated_instants_since(restated_with, 'edges.last_seen_at') }}
)

select ends.left_type, ends.left_id, ends.right_type, ends.right_id
from ends
left join {{ model }} as components on ends.node = components.node
group by ends.left_type, ends.left_id, ends.right_type, ends.right_id
having count(components.component_id) < 2 or count(distinct components.component_id) > 1
{% endtest %}
