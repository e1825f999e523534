-- The names that campaigns had, as hashes, and since when: delivery has a name's hash by day, and what
-- the platform calls a campaign now is its name after its last day. A name that another has followed
-- is kept: links go on to carry it, and a look-back gives days that are over the name of its pull.
-- A name that is known as a text has the hash of its folded spelling, too.
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

texts as (
  select
    platform,
    account_id,
    entity_id as campaign_id,
    {{ sha256_hex('name') }} as name_hash,
    {{ sha256_hex(folded_name('name')) }} as folded_name_hash
  from {{ ref('stg_ads__entities') }}
  where entity_type = 'campaign' and name is not null
),

present as (
  select
    texts.*,
    {{ add_days('last_days.date', 1) }} as since
  from texts
  left join last_days
    on texts.platform = last_days.platform
    and texts.account_id = last_days.account_id
    and texts.campaign_id = last_days.campaign_id
  where texts.name_hash != coalesce(last_days.name_hash, '')
),

named as (
  select
    spells.platform,
    spells.account_id,
    spells.campaign_id,
    spells.name_hash,
    texts.folded_name_hash,
    spells.first_seen,
    spells.last_seen,
    spells.first_seen as held_since,
    spells.last_seen as held_until
  from spells
  left join texts
    on spells.platform = texts.platform
    and spells.account_id = texts.account_id
    and spells.campaign_id = texts.campaign_id
    and spells.name_hash = texts.name_hash
  union all
  select
    platform,
    account_id,
    campaign_id,
    name_hash,
    folded_name_hash,
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
  folded_name_hash,
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
