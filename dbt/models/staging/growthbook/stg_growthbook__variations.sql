-- What experiments on the site show, a row a variation, as they are defined now.
select
  account_id,
  experiment_id,
  tracking_key,
  kind,
  status,
  variation.variation_id,
  variation.name as variation_name,
  variation.weight,
  _run_id as run_id
from {{ unnested(source('raw', 'experiments'), 'variations', 'variation') }} as experiments
where tracking_key is not null
