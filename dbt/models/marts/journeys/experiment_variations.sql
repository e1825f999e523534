{{ config(materialized='view') }}
-- What each experiment on the site was meant to show, and to what share of people: what the split of
-- its exposures is held to. Two definitions may share a tracking key: what they differ in is unknown.
select
  tracking_key as experiment_id,
  variation_id,
  min(variation_name) as variation_name,
  case
    when count(weight) = count(*) and min(weight) = max(weight) then min(weight)
  end as weight,
  count(*) as definitions
from {{ ref('stg_growthbook__variations') }}
where status in ('RUNNING', 'DONE')
group by tracking_key, variation_id
