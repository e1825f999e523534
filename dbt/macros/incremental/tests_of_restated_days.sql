{# A data test of a table that is built by day reads the days of the table's last build, not all of
   history. A test that asks for rows itself (`where`) is left alone. #}
{% macro default__get_where_subquery(relation) %}
  {%- set where = config.get('where', '') -%}
  {%- if not where and execute -%}
    {%- set tested = graph.nodes.get(model.attached_node, {}) -%}
    {%- set by_day = tested.get('config', {}).get('meta', {}).get('by_day') -%}
    {%- if by_day -%}
      {%- set found = run_query(
        "select rebuilt from " ~ _model_builds() ~ " where model = '"
        ~ relation.schema ~ "." ~ relation.identifier ~ "' order by started_at desc limit 1"
      ).rows -%}
      {%- if found and found[0][0] != 'everything' -%}
        {%- set where = _within(by_day['day'], _spans_in(found[0][0])) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endif -%}
  {%- if where -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as restated') }}
  {%- endif -%}
  {{ return(relation) }}
{% endmacro %}
