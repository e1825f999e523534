-- What experiments on the site show, a row a variation, as they are defined now.
select
  experiments.account_id,
  experiments.experiment_id,
  experiments.tracking_key,
  experiments.kind,
  experiments.status,
  variation.variation_id,
  variation.name as variation_name,
  variation.weight,
  experiments._run_id as run_id
from {{ source('raw', 'experiments') }} as experiments
cross join {{ unnested('experiments.variations', 'variation') }}
where experiments.tracking_key is not null
