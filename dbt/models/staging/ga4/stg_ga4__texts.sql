-- What known devices saw or typed, event by event: titles of pages, names of items, searches on the
-- site. Items of a list that was merely shown are not among them.
--
-- Each kind reads the events itself: of a part of the query that several read, DuckDB makes a table first, of
-- all days whatever is asked for. The tests' emulator of BigQuery takes a bare `items` for the column of the
-- query around it.
{%- set events -%}
  select
    property_id,
    event_date,
    event_key,
    event_name,
    case
      when {{ real_id('user_pseudo_id') }} is not null
        then {{ surrogate_key([real_id('user_pseudo_id')]) }}
    end as client_key,
    {{ event_param('page_title', 'string_value') }} as page_title,
    search_term,
    ga4.items
  from {{ source('raw', 'ga4_events') }} as ga4
{%- endset %}
with texts as (
  select property_id, event_date, event_key, client_key, 'page' as kind, page_title as text
  from ({{ events }}) as events
  where event_name = 'page_view' or event_name = 'view_item'
  union all
  select property_id, event_date, event_key, client_key, 'search' as kind, search_term as text
  from ({{ events }}) as events
  where search_term is not null
  union all
  select
    property_id,
    event_date,
    event_key,
    client_key,
    'item' as kind,
    item.item_name as text
  from {{ unnested('(' ~ events ~ ')', 'items', 'item') }} as events
  where event_name in ('view_item', 'add_to_cart', 'add_to_wishlist', 'purchase')
)

select distinct
  property_id,
  event_date,
  event_key,
  client_key,
  kind,
  {{ trimmed('text') }} as text
from texts
where client_key is not null and {{ trimmed('text') }} != ''
