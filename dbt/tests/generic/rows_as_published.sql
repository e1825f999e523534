{# A batch's rows are as many as the load ledger says were published. Counted are the batches whose
   days the run rebuilds and that no later batch of the account replaced in part. Gives the batches
   that have fewer rows or more. #}
{% test rows_as_published(model, table_name, restated_with) %}
with batches as (
  select run_id, platform, account_id, window_start, window_end, row_count, published_at
  from {{ source('raw', 'load_ledger') }}
  where table_name = '{{ table_name }}'
    and {{ restated_since(restated_with, 'window_start') }}
    and {{ restated_since(restated_with, 'window_end') }}
),

replaced as (
  select batches.run_id, batches.published_at
  from batches
  inner join batches as later
    on batches.platform = later.platform
    and batches.account_id = later.account_id
    and later.published_at > batches.published_at
    and later.window_start <= batches.window_end
    and later.window_end >= batches.window_start
  group by batches.run_id, batches.published_at
),

landed as (
  select run_id, count(*) as landed_rows
  from {{ model }}
  where {{ restated_since(restated_with, 'date') }}
  group by run_id
)

select batches.*, landed.landed_rows
from batches
inner join landed on batches.run_id = landed.run_id
left join replaced
  on batches.run_id = replaced.run_id and batches.published_at = replaced.published_at
where replaced.run_id is null and landed.landed_rows != batches.row_count
{% endtest %}
