{# Click ids of a conversion: those that orders or leads are landed with. #}
{% macro conversion_click_ids() -%}
  {{ return((click_ids('orders') + click_ids('crm_leads')) | unique | list) }}
{%- endmacro %}

{# A conversion's click ids from a record of a raw table, NULL where that has none. #}
{% macro click_ids_of_conversion(landed_in, t=none) -%}
  {%- for name in conversion_click_ids() %}
    {{ (t ~ '.' if t) ~ name if landed_in is none or name in click_ids(landed_in) else no_text() }} as {{ name }},
  {%- endfor %}
{%- endmacro %}

{# The columns of int_journeys_conversions, in order. #}
{% macro conversion_columns() -%}
  {{ return([
    'conversion_id', 'source', 'conversion_type', 'converted_at', 'conversion_date', 'also_seen_by',
    'property_id', 'client_key', 'shop_id', 'order_id', 'crm', 'crm_account_id', 'lead_id',
    'opportunity_id', 'person_node_type', 'person_node_id'
  ] + conversion_click_ids() + [
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
    {{- click_ids_of_conversion('crm_opportunities') }}
    amount_micros as value_micros,
    cast(0 as {{ dbt.type_bigint() }}) as refunded_micros,
    currency_code,
    cast(null as boolean) as is_new_customer
  from {{ ref('stg_crm__opportunities') }}
{%- endmacro %}
