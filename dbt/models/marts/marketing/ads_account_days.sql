-- Every day that some published batch of campaign delivery covers. A covered day without rows is
-- zero delivery; a day that isn't here is missing data.
select
  loads.platform,
  loads.account_id,
  covered_day as date,
  max(loads.published_at) as last_published_at
from {{ ref('stg_ads__loads') }} as loads
cross join {{ day_series('loads.window_start', 'loads.window_end', 'covered_day') }}
where loads.table_name = 'raw.ads_campaign_performance'
group by loads.platform, loads.account_id, covered_day
