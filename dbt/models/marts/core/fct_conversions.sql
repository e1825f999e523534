{{ config(materialized='view') }}
-- Every conversion once, with its person as known now. Won opportunities and installs are added
-- here: their day is the one on which they were won or told, which is not the day they are landed
-- by.
{%- set same = [
  'conversion_id', 'source', 'conversion_type', 'converted_at', 'conversion_date', 'also_seen_by',
  'property_id', 'client_key', 'shop_id', 'order_id', 'crm', 'crm_account_id', 'lead_id',
  'opportunity_id', 'person_node_type', 'person_node_id', 'fallback_node_type', 'fallback_node_id',
  'gclid', 'fbclid', 'ttclid', 'li_fat_id'
] %}
with persons as (
  select node_type, node_id, person_id from {{ ref('identity_map') }}
),

landed as (
  select
    {{ same | join(',\n    ') }},
    {{ no_text() }} as ad_network_id,
    {{ no_text() }} as ad_network_campaign_id,
    value_micros,
    refunded_micros,
    currency_code,
    is_new_customer
  from {{ ref('int_journeys_conversions') }}
),

won_opportunities as (
  select
    {{ surrogate_key(["'crm'", "'opportunity_won'", 'crm', 'account_id', 'opportunity_id']) }}
      as conversion_id,
    'crm' as source,
    'opportunity_won' as conversion_type,
    closed_at as converted_at,
    {{ day_in_zone('closed_at', "coalesce(time_zone, 'UTC')") }} as conversion_date,
    {{ no_text() }} as also_seen_by,
    {{ no_text() }} as property_id,
    {{ no_text() }} as client_key,
    {{ no_text() }} as shop_id,
    {{ no_text() }} as order_id,
    crm,
    account_id as crm_account_id,
    lead_id,
    opportunity_id,
    'opportunity' as person_node_type,
    {{ node_of(['crm', 'account_id', 'opportunity_id']) }} as person_node_id,
    case
      when lead_id is not null then 'lead'
      when email_hash is not null then 'email_hash'
    end as fallback_node_type,
    case
      when lead_id is not null then {{ node_of(['crm', 'account_id', 'lead_id']) }}
      else email_hash
    end as fallback_node_id,
    {{ no_text() }} as gclid,
    {{ no_text() }} as fbclid,
    {{ no_text() }} as ttclid,
    {{ no_text() }} as li_fat_id,
    {{ no_text() }} as ad_network_id,
    {{ no_text() }} as ad_network_campaign_id,
    amount_micros as value_micros,
    cast(0 as {{ dbt.type_bigint() }}) as refunded_micros,
    currency_code,
    cast(null as boolean) as is_new_customer
  from {{ ref('stg_crm__opportunities') }}
  where is_won and closed_at is not null
),

-- The first postback of an install, from the network that won it.
installs as (
  select
    {{ surrogate_key(["'skan'", 'advertiser_id', 'transaction_id']) }} as conversion_id,
    'skan' as source,
    'install' as conversion_type,
    received_at as converted_at,
    received_date as conversion_date,
    {{ no_text() }} as also_seen_by,
    {% for column in same[6:] -%}
    {{ no_text() }} as {{ column }},
    {% endfor -%}
    ad_network_id,
    coalesce(source_identifier, campaign_id) as ad_network_campaign_id,
    cast(null as {{ dbt.type_bigint() }}) as value_micros,
    cast(0 as {{ dbt.type_bigint() }}) as refunded_micros,
    {{ no_text() }} as currency_code,
    cast(null as boolean) as is_new_customer
  from {{ ref('stg_skan__postbacks') }}
  where postback_sequence_index = 0 and coalesce(did_win, true)
),

conversions as (
  select * from landed
  union all
  select * from won_opportunities
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
  coalesce(named.person_id, fallback.person_id) as person_id,
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
left join persons as named
  on conversions.person_node_type = named.node_type
  and conversions.person_node_id = named.node_id
left join persons as fallback
  on conversions.fallback_node_type = fallback.node_type
  and conversions.fallback_node_id = fallback.node_id
