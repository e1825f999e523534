-- What each device showed of its person: signed-in user ids and ad click ids, with when and how often.
with shown as (
  {% for node_type in ['user_id', 'gclid', 'fbclid', 'ttclid'] %}
  select client_key, '{{ node_type }}' as node_type, {{ node_type }} as node_id, event_at
  from {{ ref('int_journeys_events_sessionized') }}
  where {{ node_type }} is not null
  {% if not loop.last %}union all{% endif %}
  {% endfor %}
)

select
  client_key,
  node_type,
  node_id,
  min(event_at) as first_seen_at,
  max(event_at) as last_seen_at,
  count(*) as observations
from shown
group by client_key, node_type, node_id
