{# How many devices, and how many names of one kind (accounts, addresses or numbers), an identifier may
   be seen with before it is taken for nobody's in particular: an office's number, a till's address, a
   click id that is a placeholder, a tablet of a family. `identity.limits` of adcanary.yaml replaces
   single ones. #}
{% macro identity_limits() %}
  {%- set a_click = {'devices': 3, 'names': 1} -%}
  {%- set limits = {
    'device': {'devices': none, 'names': 1},
    'user_id': {'devices': 50, 'names': 10},
    'email_hash': {'devices': 20, 'names': 3},
    'phone_hash': {'devices': 20, 'names': 1},
    'order': {'devices': 3, 'names': 1},
  } -%}
  {%- for name in identity_click_ids() -%}
    {%- do limits.update({name: a_click}) -%}
  {%- endfor -%}
  {%- for node_type, limit in var('identity_limits', {}).items() -%}
    {%- do limits.update({node_type: dict(limits.get(node_type, {}), **limit)}) -%}
  {%- endfor -%}
  {{ return(limits) }}
{% endmacro %}
