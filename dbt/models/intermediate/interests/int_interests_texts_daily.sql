{{ config(by_day('event_date', ['raw.ga4_events'], cluster_by=['client_key'])) }}
-- Which texts a device saw or typed on a day, and how often. Whose the device is, and which texts may be
-- shown, is of now: marts.person_texts_weekly says it.
select
  event_date,
  client_key,
  kind,
  case when kind = 'search' then lower(text) else text end as text,
  count(distinct event_key) as views
from {{ ref('stg_ga4__texts') }}
where {{ restated('event_date') }}
group by
  event_date, client_key, kind, case when kind = 'search' then lower(text) else text end
{{ days_together('event_date') }}
