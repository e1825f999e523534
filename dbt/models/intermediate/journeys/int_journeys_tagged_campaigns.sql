-- The account of a campaign: a tag carries the campaign's id, and never its account. An id that two
-- accounts have tells of neither.
select
  platform,
  entity_id as campaign_id,
  min(entities.account_id) as account_id
from {{ ref('stg_ads__entities') }} as entities
where entity_type = 'campaign'
group by platform, entity_id
having min(entities.account_id) = max(entities.account_id)
