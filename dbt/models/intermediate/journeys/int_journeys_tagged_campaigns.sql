-- Campaigns by what tags carry of them, which is their id or their name and never their account. A
-- name that two campaigns share names neither.
with campaigns as (
  select platform, account_id, entity_id as campaign_id, name
  from {{ ref('stg_ads__entities') }}
  where entity_type = 'campaign'
)

select
  platform,
  'id' as tag_type,
  campaign_id as tag,
  min(account_id) as account_id,
  campaign_id
from campaigns
group by platform, campaign_id
union all
select
  platform,
  'name' as tag_type,
  name as tag,
  min(account_id) as account_id,
  min(campaign_id) as campaign_id
from campaigns
where name is not null
group by platform, name
having count(*) = 1
