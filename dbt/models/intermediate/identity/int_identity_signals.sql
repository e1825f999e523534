{{ config(by_day('signal_date', ['raw.server_events'], cluster_by=['ip_prefix'])) }}
-- What a device showed by the hour: its network and the families of its browser and system. Coarse on
-- purpose, and only of visitors who consented: the job `identity_links` scores pairs of devices by it.
select
  event_date as signal_date,
  {{ dbt.date_trunc('hour', 'occurred_at') }} as window_start,
  client_key,
  ip_prefix,
  coalesce(min(browser), 'Other') as browser,
  coalesce(min(operating_system), 'Other') as operating_system,
  count(*) as events
from {{ ref('stg_server__events') }}
where
  {{ restated('event_date') }}
  and client_key is not null
  and ip_prefix is not null
group by event_date, {{ dbt.date_trunc('hour', 'occurred_at') }}, client_key, ip_prefix
