{{ config(materialized='view') }}
-- Devices of nobody known, with the known person whose they probably are: the strongest of their links
-- that reach identity.match_probability. Kept apart from identity_map, which is certain.
with named as (
  select person_id
  from {{ ref('identity_map') }}
  where node_type in ('user_id', 'email_hash', 'phone_hash', 'order')
  group by person_id
),

devices as (
  select
    identity_map.node_id as client_key,
    identity_map.person_id,
    named.person_id is not null as is_known
  from {{ ref('identity_map') }} as identity_map
  left join named on identity_map.person_id = named.person_id
  where identity_map.node_type = 'device'
),

links as (
  select client_key_l as client_key, client_key_r as other_key, match_probability
  from {{ ref('stg_contracts__identity_links') }}
  union all
  select client_key_r, client_key_l, match_probability
  from {{ ref('stg_contracts__identity_links') }}
),

ranked as (
  select
    links.client_key,
    others.person_id,
    links.match_probability,
    row_number() over (
      partition by links.client_key
      order by links.match_probability desc, others.person_id
    ) as preference
  from links
  inner join devices on links.client_key = devices.client_key
  inner join devices as others on links.other_key = others.client_key
  where
    not devices.is_known
    and others.is_known
    and links.match_probability >= {{ var('identity_match_probability', 0.9) }}
)

select
  'device' as node_type,
  client_key as node_id,
  person_id as probable_person_id,
  match_probability
from ranked
where preference = 1
