-- The names that campaigns had, as hashes, and since when: delivery has a name's hash by day, and what
-- the platform calls a campaign now is its name after its last day. A name that another has followed
-- is kept: links go on to carry it, and a look-back gives days that are over the name of its pull.
with days as (
  select platform, account_id, campaign_id, date, name_hash
  from {{ ref('stg_ads__campaign_performance') }}
  where name_hash is not null
),

marked as (
  select
    *,
    lag(name_hash) over (partition by platform, account_id, campaign_id order by date)
      as previous_hash
  from days
),

numbered as (
  select
    *,
    sum(case when name_hash = previous_hash then 0 else 1 end) over (
      partition by platform, account_id, campaign_id
      order by date
      rows between unbounded preceding and current row
    ) as spell
  from marked
),

spells as (
  select
    platform,
    account_id,
    campaign_id,
    name_hash,
    min(date) as first_seen,
    max(date) as last_seen
  from numbered
  group by platform, account_id, campaign_id, name_hash, spell
),

last_days as (
  select *
  from days
  where true
  qualify row_number() over (
    partition by platform, account_id, campaign_id
    order by date desc
  ) = 1
),

present as (
  select
    entities.platform,
    entities.account_id,
    entities.entity_id as campaign_id,
    {{ sha256_hex('entities.name') }} as name_hash,
    {{ add_days('last_days.date', 1) }} as since
  from {{ ref('stg_ads__entities') }} as entities
  left join last_days
    on entities.platform = last_days.platform
    and entities.account_id = last_days.account_id
    and entities.entity_id = last_days.campaign_id
  where
    entities.entity_type = 'campaign'
    and entities.name is not null
    and {{ sha256_hex('entities.name') }} != coalesce(last_days.name_hash, '')
),

named as (
  select
    platform,
    account_id,
    campaign_id,
    name_hash,
    first_seen,
    last_seen,
    first_seen as held_since,
    last_seen as held_until
  from spells
  union all
  select
    platform,
    account_id,
    campaign_id,
    name_hash,
    cast(null as date) as first_seen,
    cast(null as date) as last_seen,
    coalesce(since, cast('1900-01-01' as date)) as held_since,
    cast('9999-12-31' as date) as held_until
  from present
)

select
  platform,
  account_id,
  campaign_id,
  name_hash,
  first_seen,
  last_seen,
  -- of the days between two names, either may be right
  coalesce(
    {{ add_days('lag(held_until) over (partition by platform, account_id, campaign_id order by held_since)', 1) }},
    cast('1900-01-01' as date)
  ) as valid_from,
  coalesce(
    lead(held_since) over (partition by platform, account_id, campaign_id order by held_since),
    cast('9999-12-31' as date)
  ) as valid_before
from named
