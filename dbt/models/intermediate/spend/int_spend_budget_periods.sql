-- Budgets as periods that cover every day once: a budget holds from the day it was seen until the next
-- sighting, and the first one also for the days before it. A budget that several campaigns of an
-- account hold is one budget: shared_budget_id names it, and whoever adds budgets up counts it once.
with sightings as (
  select
    *,
    case
      when
        coalesce(is_shared, true)
        and min(campaign_id) over (partition by platform, account_id, budget_id)
        != max(campaign_id) over (partition by platform, account_id, budget_id)
        then budget_id
    end as shared_budget_id,
    row_number() over (
      partition by platform, account_id, campaign_id
      order by effective_from
    ) as sighting,
    lead(effective_from) over (
      partition by platform, account_id, campaign_id
      order by effective_from
    ) as next_effective_from
  from {{ ref('stg_ads__campaign_budgets') }}
)

select
  platform,
  account_id,
  campaign_id,
  case when sighting = 1 then cast('1900-01-01' as date) else effective_from end as valid_from,
  coalesce(next_effective_from, cast('9999-12-31' as date)) as valid_before,
  effective_from,
  next_effective_from is null as is_latest,
  daily_budget_micros,
  shared_budget_id,
  currency_code,
  time_zone
from sightings
