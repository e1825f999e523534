{{ config(materialized='view') }}
-- Which texts a person saw or typed in a week. A text that fewer than texts_k_anonymity people saw, in
-- all days that are kept, is left out: one person's words are nobody's interest, and may name them.
with texts as (
  select
    {{ week_start('texts.event_date') }} as week_start,
    identity_map.person_id,
    texts.kind,
    texts.text,
    texts.views
  from {{ ref('int_interests_texts_daily') }} as texts
  inner join {{ ref('identity_map') }} as identity_map
    on identity_map.node_type = 'device' and texts.client_key = identity_map.node_id
),

shown as (
  select kind, text
  from texts
  group by kind, text
  having count(distinct person_id) >= {{ var('texts_k_anonymity', 10) }}
)

select
  texts.week_start,
  texts.person_id,
  texts.kind,
  texts.text,
  {{ sum_int('texts.views') }} as views
from texts
inner join shown on texts.kind = shown.kind and texts.text = shown.text
group by texts.week_start, texts.person_id, texts.kind, texts.text
