{# A data test of a table that is built by day reads the days of the table's last build, not all of
   history. A test that asks for rows itself (`where`) is left alone. #}
{% macro default__get_where_subquery(relation) %}
  {%- set where = config.get('where', '') -%}
  {%- if not where and execute -%}
    {%- set where = rebuilt_last(graph.nodes.get(model.attached_node, {})) -%}
  {%- endif -%}
  {%- if where -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as restated') }}
  {%- endif -%}
  {{ return(relation) }}
{% endmacro %}

{# Condition: the days that the last build of a table by day rebuilt, in its own column of the day or
   in another table's. Empty for all days. #}
{% macro rebuilt_last(node, column=none) %}
  {%- set by_day = node.get('config', {}).get('meta', {}).get('by_day') -%}
  {%- if by_day -%}
    {%- set found = run_query(
      "select rebuilt from " ~ _model_builds() ~ " where model = '"
      ~ node['schema'] ~ "." ~ node['alias'] ~ "' order by started_at desc limit 1"
    ).rows -%}
    {%- if found and found[0][0] != 'everything' -%}
      {{ return(_within(column or by_day['day'], _spans_in(found[0][0]))) }}
    {%- endif -%}
  {%- endif -%}
  {{ return('') }}
{% endmacro %}
