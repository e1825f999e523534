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
  {%- set days = run_query(
    "select min(window_start), max(window_end) from " ~ api.Relation.create(
      database=target.database, schema='raw', identifier='load_ledger'
    ) ~ " where table_name in ('" ~ how['tables'] | join("', '") ~ "') and published_at >= "
    ~ an_hour_before(instant(last_build))
  ).rows[0] -%}
  {%- if days[0] is none -%}{{ return('false') }}{%- endif -%}
  {%- set one_day = modules.datetime.timedelta(days=1) -%}
  {{ return(
    column ~ " between cast('" ~ (days[0] - how['before'] * one_day) ~ "' as date) and cast('"
    ~ (days[1] + how['after'] * one_day) ~ "' as date)"
  ) }}
{% endmacro %}
