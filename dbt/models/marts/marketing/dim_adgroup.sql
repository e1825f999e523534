-- Every ad group that the platform lists, with what it was last seen to be set to.
with latest as (
  select *
  from {{ ref('stg_ads__adgroup_settings') }}
  where true
  qualify row_number() over (
    partition by platform, account_id, adgroup_id order by effective_from desc
  ) = 1
)

select
  adgroups.platform,
  adgroups.account_id,
  adgroups.parent_id as campaign_id,
  adgroups.entity_id as adgroup_id,
  adgroups.name as adgroup_name,
  adgroups.status as adgroup_status,
  latest.effective_from,
  latest.daily_budget_micros,
  latest.learning_phase,
  latest.edited_at,
  latest.starts_on,
  latest.countries,
  latest.audience_ids,
  latest.excluded_audience_ids,
  latest.is_audience_expanded,
  latest.age_min,
  latest.age_max,
  latest.currency_code
from {{ ref('stg_ads__entities') }} as adgroups
left join latest
  on adgroups.platform = latest.platform
  and adgroups.account_id = latest.account_id
  and adgroups.entity_id = latest.adgroup_id
where adgroups.entity_type = 'adgroup'
