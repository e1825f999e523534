{# Kinds of identifiers, by their column in a record. What names a person comes first, the strongest
   name of all first; then ad clicks, which one device shows; then documents, which are one person's. #}
{% macro identity_kinds() %}
  {%- set kinds = {
    'client_key': 'device',
    'user_id': 'user_id', 'email_hash': 'email_hash', 'phone_hash': 'phone_hash',
  } -%}
  {%- for name in identity_click_ids() -%}
    {%- do kinds.update({name: name}) -%}
  {%- endfor -%}
  {%- do kinds.update({
    'order_key': 'order', 'lead_key': 'lead', 'opportunity_key': 'opportunity',
  }) -%}
  {{ return(kinds) }}
{% endmacro %}

{# The click ids of a record and the columns that hold them, as identity_record takes identifiers. `t` is
   the relation's alias; `landed_in` the raw table that it shows, none where it has every click id. #}
{% macro identity_clicks(t=none, landed_in=none) %}
  {%- set columns = {} -%}
  {%- for name in identity_click_ids(landed_in) -%}
    {%- do columns.update({name: t ~ '.' ~ name if t else name}) -%}
  {%- endfor -%}
  {{ return(columns) }}
{% endmacro %}

{# The select list of a record: when it was seen, and the identifiers it shows, by column. #}
{% macro identity_record(date, at, identifiers) %}
  select
    {{ date }} as seen_date,
    {{ at }} as seen_at
    {%- for column in identity_kinds() %},
    {% if column in identifiers -%}
    {{ identifiers[column] }}
    {%- else -%}
    cast(null as {{ dbt.type_string() }})
    {%- endif %} as {{ column }}
    {%- endfor %}
{% endmacro %}

{# A node of the identity graph as one text, and its parts. Kinds hold no bar; identifiers may. #}
{% macro identity_node(node_type, node_id) -%}
  {{ dbt.concat([node_type, "'|'", node_id]) }}
{%- endmacro %}
{% macro identity_node_type(node) -%}
  substr({{ node }}, 1, strpos({{ node }}, '|') - 1)
{%- endmacro %}
{% macro identity_node_id(node) -%}
  substr({{ node }}, strpos({{ node }}, '|') + 1)
{%- endmacro %}
