{# Condition on a DATE column: the days that this run rebuilds in tables that are built by day, as
   literal dates; `before` and `after` widen it. For data tests, and for what stands around those
   tables (their staging, the views on top of them): it is the same whether they were rebuilt before
   it is asked or are after, since what counts are the batches published since the run before.
   Without a column, either every row (where the run rebuilds all days) or none. #}
{% macro restated_since(by_day_models, column=none, before=0, after=0) %}
  {%- set spans = _spans_since(by_day_models, before, after) -%}
  {%- if spans is none -%}{{ return('true') }}{%- endif -%}
  {{ return('false' if column is none else _within(column, spans)) }}
{% endmacro %}

{# The same of a TIMESTAMP column, with a day more on both sides, for time zones. #}
{% macro restated_instants_since(by_day_models, column) %}
  {%- set spans = _spans_since(by_day_models, before=1, after=2) -%}
  {%- if spans is none -%}{{ return('true') }}{%- endif -%}
  {%- set conditions = [] -%}
  {%- for first, last in spans -%}
    {%- do conditions.append(
      column ~ ' >= ' ~ instant(_midnight(first)) ~ ' and ' ~ column ~ ' < ' ~ instant(_midnight(last))
    ) -%}
  {%- endfor -%}
  {{ return('(' ~ (conditions | join(' or ') or 'false') ~ ')') }}
{% endmacro %}

{% macro _midnight(day) %}
  {{ return(modules.datetime.datetime(day.year, day.month, day.day)) }}
{% endmacro %}

{# Spans of days that this run rebuilds in some tables; none for all days. #}
{% macro _spans_since(by_day_models, before, after) %}
  {%- if not execute or flags.FULL_REFRESH -%}{{ return(none) }}{%- endif -%}
  {%- set one_day, spans = modules.datetime.timedelta(days=1), [] -%}
  {%- set ledger = api.Relation.create(
    database=target.database, schema='raw', identifier='load_ledger'
  ) -%}
  {%- for name in ([by_day_models] if by_day_models is string else by_day_models) -%}
    {%- set built = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {%- set last_build = run_query(
      "select max(started_at) from " ~ _model_builds() ~ " where model = '" ~ built.schema ~ "."
      ~ built.alias ~ "' and started_at < " ~ instant(run_started_at)
    ).rows[0][0] -%}
    {%- set table = adapter.get_relation(built.database, built.schema, built.alias) -%}
    {%- if last_build is none or table is none -%}{{ return(none) }}{%- endif -%}
    {%- for first, last in _published_spans(built.config.meta['by_day'], ledger, instant(last_build)) -%}
      {%- do spans.append((first - before * one_day, last + after * one_day)) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(spans | unique | list) }}
{% endmacro %}
