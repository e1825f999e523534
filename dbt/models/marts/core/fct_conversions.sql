{{ config(materialized='view') }}
-- Every conversion once, with its person as known now. Won opportunities and installs are added
-- here: their day is the one on which they were won or told, which is not the day they are landed
-- by.
{%- set columns = conversion_columns() %}
with won_opportunities as (
  {{ opportunity_conversions(
    'opportunity_won', 'closed_at', day_in_zone('closed_at', "coalesce(time_zone, 'UTC')")
  ) }}
  where is_won and closed_at is not null
),

-- The first postback of an install or a re-engagement, from the network that won it.
installs as (
  select
    {{ surrogate_key(["'skan'", 'advertiser_id', 'transaction_id']) }} as conversion_id,
    'skan' as source,
    case
      when conversion_type = 're-engagement' then 're_engagement' else 'install'
    end as conversion_type,
    received_at as converted_at,
    received_date as conversion_date,
    {% for column in columns[5:-4] -%}
    {{ no_text() }} as {{ column }},
    {% endfor -%}
    cast(null as {{ dbt.type_bigint() }}) as value_micros,
    cast(0 as {{ dbt.type_bigint() }}) as refunded_micros,
    {{ no_text() }} as currency_code,
    cast(null as boolean) as is_new_customer,
    ad_network_id,
    coalesce(source_identifier, campaign_id) as ad_network_campaign_id
  from {{ ref('stg_skan__postbacks') }}
  where postback_sequence_index = 0 and coalesce(did_win, true)
),

conversions as (
  select
    {{ columns | join(',\n    ') }},
    {{ no_text() }} as ad_network_id,
    {{ no_text() }} as ad_network_campaign_id
  from {{ ref('int_journeys_conversions') }}
  union all
  select
    {{ columns | join(',\n    ') }},
    {{ no_text() }} as ad_network_id,
    {{ no_text() }} as ad_network_campaign_id
  from won_opportunities
  union all
  select * from installs
)

select
  conversions.conversion_id,
  conversions.source,
  conversions.conversion_type,
  conversions.converted_at,
  conversions.conversion_date,
  conversions.also_seen_by,
  persons.person_id,
  conversions.property_id,
  conversions.client_key,
  conversions.shop_id,
  conversions.order_id,
  conversions.crm,
  conversions.crm_account_id,
  conversions.lead_id,
  conversions.opportunity_id,
  conversions.gclid,
  conversions.fbclid,
  conversions.ttclid,
  conversions.li_fat_id,
  conversions.ad_network_id,
  conversions.ad_network_campaign_id,
  conversions.value_micros,
  conversions.refunded_micros,
  conversions.value_micros - conversions.refunded_micros as net_value_micros,
  conversions.currency_code,
  conversions.is_new_customer
from conversions
left join {{ ref('identity_map') }} as persons
  on conversions.person_node_type = persons.node_type
  and conversions.person_node_id = persons.node_id
