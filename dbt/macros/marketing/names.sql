{# Joins that give rows of delivery, at the level of a campaign or finer, the names that entities have
   now: campaigns.name, adgroups.name, ads.name. #}
{% macro join_names(rows, levels) -%}
  {%- for level in levels %}
left join {{ ref('stg_ads__entities') }} as {{ level }}s
  on {{ level }}s.entity_type = '{{ level }}'
  and {{ rows }}.platform = {{ level }}s.platform
  and {{ rows }}.account_id = {{ level }}s.account_id
  and {{ rows }}.{{ level }}_id = {{ level }}s.entity_id
  {%- endfor %}
{%- endmacro %}
