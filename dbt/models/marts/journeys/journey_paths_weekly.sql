{{ config(materialized='view') }}
-- Paths of the weeks that are over: of one that isn't, what it had yesterday, taken from what it has
-- today, would tell of today.
select
  week_start,
  channel_path,
  channel_transformed_path,
  path_length,
  persons,
  conversions,
  non_conversions,
  conversion_value_micros,
  currency_code
from {{ ref('int_journeys_paths_weekly') }}
where week_start < (select max(weeks.week_start) from {{ ref('int_journeys_paths_weekly') }} as weeks)
