{# No edge spans two components, and no end of an edge is in none. Gives the offending edges. #}
{% test no_edge_between_components(model, edges) %}
select edges.left_type, edges.left_id, edges.right_type, edges.right_id
from {{ edges }} as edges
left join {{ model }} as ends_left
  on {{ identity_node('edges.left_type', 'edges.left_id') }} = ends_left.node
left join {{ model }} as ends_right
  on {{ identity_node('edges.right_type', 'edges.right_id') }} = ends_right.node
where
  ends_left.component_id is null
  or ends_right.component_id is null
  or ends_left.component_id != ends_right.component_id
{% endtest %}
