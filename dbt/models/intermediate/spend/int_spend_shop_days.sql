-- Every day that some published batch of orders covers, by shop.
select
  loads.shop_id,
  covered_day as date,
  max(loads.published_at) as last_published_at
from {{ ref('stg_shop__loads') }} as loads
cross join {{ day_series('loads.window_start', 'loads.window_end', 'covered_day') }}
group by loads.shop_id, covered_day
