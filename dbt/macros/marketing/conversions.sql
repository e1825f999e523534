{# The columns of int_journeys_conversions, in order. #}
{% macro conversion_columns() -%}
  {{ return([
    'conversion_id', 'source', 'conversion_type', 'converted_at', 'conversion_date', 'also_seen_by',
    'property_id', 'client_key', 'shop_id', 'order_id', 'crm', 'crm_account_id', 'lead_id',
    'opportunity_id', 'person_node_type', 'person_node_id', 'gclid', 'fbclid', 'ttclid', 'li_fat_id',
    'value_micros', 'refunded_micros', 'currency_code', 'is_new_customer'
  ]) }}
{%- endmacro %}

{# Opportunities as conversions of a type, by the instant and day that they became such: the columns of
   int_journeys_conversions. #}
{% macro opportunity_conversions(conversion_type, at, date) -%}
  select
    {{ surrogate_key(["'crm'", "'" ~ conversion_type ~ "'", 'crm', 'account_id', 'opportunity_id']) }}
      as conversion_id,
    'crm' as source,
    '{{ conversion_type }}' as conversion_type,
    {{ at }} as converted_at,
    {{ date }} as conversion_date,
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
    {{ no_text() }} as gclid,
    {{ no_text() }} as fbclid,
    {{ no_text() }} as ttclid,
    {{ no_text() }} as li_fat_id,
    amount_micros as value_micros,
    cast(0 as {{ dbt.type_bigint() }}) as refunded_micros,
    currency_code,
    cast(null as boolean) as is_new_customer
  from {{ ref('stg_crm__opportunities') }}
{%- endmacro %}
