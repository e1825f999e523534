-- Probable links between devices, those of the last run of the identity_links job that passed.
with last_run as (
  select run_id
  from {{ source('contracts', 'job_runs') }}
  where job = 'identity_links' and verdict = 'PASS'
  qualify row_number() over (order by as_of desc, finished_at desc, run_id) = 1
)

select
  links.run_id,
  links.as_of,
  links.client_key_l,
  links.client_key_r,
  links.match_probability
from {{ source('contracts', 'identity_links') }} as links
inner join last_run on links.run_id = last_run.run_id
