{# Before int_journeys_transactions is made anew: where the first day of a transaction moved, because
   an earlier day was landed late or the first was withdrawn, the day that it was on and the one that
   it is on are rebuilt in the tables that count purchases, as if they had been landed. #}
{% macro restate_days_of_moved_transactions() %}
  {%- if not execute or flags.FULL_REFRESH or load_relation(this) is none -%}{{ return('') }}{%- endif -%}
  {%- set keys = ['property_id', 'client_key', 'transaction_id'] -%}
  insert into {{ _restated_days() }} (table_name, window_start, window_end, published_at)
  with firsts as (
    select {{ keys | join(', ') }}, min(event_date) as first_date
    from {{ ref('int_journeys_purchases') }}
    group by {{ keys | join(', ') }}
  ),

  moved as (
    select known.first_date as was_on, firsts.first_date as is_on
    from {{ this }} as known
    inner join firsts using ({{ keys | join(', ') }})
    where known.first_date != firsts.first_date
  ),

  days as (
    select was_on as day from moved
    union distinct
    select is_on from moved
  )

  select '{{ moved_transactions() }}', day, day, {{ instant(run_started_at) }} from days
{% endmacro %}

{# What tables by day name among `tables` where they count purchases. #}
{% macro moved_transactions() -%}{{ return('intermediate.int_journeys_transactions') }}{%- endmacro %}

{# Of a purchase event and int_journeys_transactions, left-joined: whether it was sent before. #}
{% macro is_sent_again(events, transactions) -%}
  coalesce(
    {{ transactions }}.first_date != {{ events }}.event_date
    or {{ transactions }}.first_event_key != {{ events }}.event_key,
    false
  )
{%- endmacro %}

{% macro join_transactions(events, transactions='transactions') -%}
left join {{ ref('int_journeys_transactions') }} as {{ transactions }}
  on {{ events }}.property_id = {{ transactions }}.property_id
  and {{ events }}.client_key = {{ transactions }}.client_key
  and case when {{ events }}.event_name = 'purchase' then {{ events }}.transaction_id end
    = {{ transactions }}.transaction_id
{%- endmacro %}
