{{ config(materialized='connected_components', meta={'history': 'identity_merges'}) }}
-- Identifiers that belong to one person: the connected components of identity_edges. A person's id is
-- named after the identifier that was seen first, and stays when more is learnt.
select
  {{ identity_node('left_type', 'left_id') }} as left_node,
  {{ identity_node('right_type', 'right_id') }} as right_node,
  first_seen_at
from {{ ref('identity_edges') }}
