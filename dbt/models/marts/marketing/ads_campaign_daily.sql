-- Spend by campaign and day with what people know the campaign by and the budget of that day, where
-- one is known in the currency of the day.
select
  days.platform,
  days.account_id,
  days.date,
  days.campaign_id,
  days.channel,
  days.impressions,
  days.clicks,
  days.cost_micros,
  days.conversions,
  days.conversion_value,
  days.currency_code,
  days.time_zone,
  campaigns.name as campaign_name,
  coalesce(campaigns.status, days.status) as campaign_status,
  days.status as status_on_day,
  campaigns.advertising_type,
  budgets.daily_budget_micros,
  budgets.shared_budget_id
from {{ ref('int_spend_campaign_days') }} as days
{{ join_names('days', ['campaign']) }}
left join {{ ref('int_spend_budget_periods') }} as budgets
  on days.platform = budgets.platform
  and days.account_id = budgets.account_id
  and days.campaign_id = budgets.campaign_id
  and days.date >= budgets.valid_from
  and days.date < budgets.valid_before
  and days.currency_code = budgets.currency_code
