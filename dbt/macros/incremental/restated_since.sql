{# Condition on a DATE column for data tests: the days that this run rebuilds in a table that is
   built by day, as literal dates. It holds for the tables and views around that table too (its
   staging, the views on top of it), and is the same whether the table was rebuilt before the test runs or after:
   what counts are the batches published since the run before. Without a column, either every row
   (where the run rebuilds all days) or none. #}
{% macro restated_since(by_day_model, column=none) %}
  {%- if not execute or flags.FULL_REFRESH -%}{{ return('true') }}{%- endif -%}
  {%- set built = graph.nodes['model.' ~ project_name ~ '.' ~ by_day_model] -%}
  {%- set how = built.config.meta['by_day'] -%}
  {%- set last_build = run_query(
    "select max(started_at) from " ~ _model_builds() ~ " where model = '" ~ built.schema ~ "."
    ~ built.alias ~ "' and started_at < " ~ instant(run_started_at)
  ).rows[0][0] -%}
  {%- if last_build is none -%}{{ return('true') }}{%- endif -%}
  {%- if column is none -%}{{ return('false') }}{%- endif -%}
  {%- set ledger = api.Relation.create(
    database=target.database, schema='raw', identifier='load_ledger'
  ) -%}
  {{ return(_within(column, _published_spans(how, ledger, instant(last_build)))) }}
{% endmacro %}
