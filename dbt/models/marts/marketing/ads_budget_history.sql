-- Every budget of every campaign with the days it held on.
select
  periods.platform,
  periods.account_id,
  periods.campaign_id,
  campaigns.name as campaign_name,
  periods.valid_from,
  periods.valid_before,
  periods.effective_from,
  periods.is_latest,
  periods.daily_budget_micros,
  periods.shared_budget_id,
  earlier.daily_budget_micros as previous_daily_budget_micros,
  periods.currency_code,
  periods.time_zone
from {{ ref('int_spend_budget_periods') }} as periods
left join {{ ref('int_spend_budget_periods') }} as earlier
  on periods.platform = earlier.platform
  and periods.account_id = earlier.account_id
  and periods.campaign_id = earlier.campaign_id
  and periods.valid_from = earlier.valid_before
  and periods.currency_code = earlier.currency_code
{{ join_names('periods', ['campaign']) }}
