{# Tables of facts that belong to a day, of which a run rebuilds only the days that changed.

   Which days those are, the load ledger tells: the windows of the batches that were published to
   `tables` since the model was last built. They are literal dates in the SQL, so that BigQuery
   prunes partitions by them; rows of those days that are no longer there are removed as well.

     {{ config(by_day('date', ['raw.ads_campaign_performance'])) }}
     select … from {{ ref('stg_ads__campaign_performance') }}
     where {{ restated('date') }}

   `before` and `after` are further days around a restated one that change with it. #}
{% macro by_day(day, tables, before=0, after=0, cluster_by=none) %}
  {{ return({
    'materialized': 'incremental',
    'incremental_strategy': 'merge',
    'on_schema_change': 'sync_all_columns',
    'partition_by': daily_partitions(day),
    'cluster_by': cluster_by,
    'post_hook': "{{ remember_build() }}",
    'meta': {'by_day': {'day': day, 'tables': tables, 'before': before, 'after': after}},
  }) }}
{% endmacro %}

{# Condition on a DATE column: it is one of the days that this run rebuilds. `before` and `after`
   widen it, for what must be read around those days. The days are told in a comment, too, which is
   where the rest of the run has them from: what is removed is what was computed. #}
{% macro restated(column, before=0, after=0) %}
  {%- set ledger = source('raw', 'load_ledger') -%}
  {%- if not is_incremental() -%}
    true
  {%- else -%}
    {%- set days = _restated_days(ledger) -%}
    {%- if days is none -%}
      /* restated none */ false
    {%- else -%}
      {%- set one_day = modules.datetime.timedelta(days=1) -%}
      /* restated {{ days[0] }} {{ days[1] }} */
      {{ column }} between cast('{{ days[0] - before * one_day }}' as date)
        and cast('{{ days[1] + after * one_day }}' as date)
    {%- endif -%}
  {%- endif -%}
{% endmacro %}

{# First and last day to rebuild, or none where nothing changed. An hour is looked back upon: a
   batch's instant is taken shortly before it is committed, and by another machine's clock. #}
{% macro _restated_days(ledger) %}
  {%- if not execute -%}{{ return(none) }}{%- endif -%}
  {%- set how = config.get('meta')['by_day'] -%}
  {%- set found = run_query(
    "select min(window_start), max(window_end) from " ~ ledger
    ~ " where table_name in ('" ~ how['tables'] | join("', '") ~ "')"
    ~ " and published_at >= (select " ~ an_hour_before(
      "coalesce(max(started_at), " ~ instant(modules.datetime.datetime(1970, 1, 2)) ~ ")"
    )
    ~ " from " ~ _model_builds() ~ " where model = '" ~ this.schema ~ "." ~ this.identifier ~ "')"
  ).rows[0] -%}
  {%- if found[0] is none -%}{{ return(none) }}{%- endif -%}
  {%- set one_day = modules.datetime.timedelta(days=1) -%}
  {{ return((found[0] - how['before'] * one_day, found[1] + how['after'] * one_day)) }}
{% endmacro %}

{# The days that a compiled model says it rebuilds, as texts: none for all of them, an empty list
   where nothing changed. #}
{% macro _days_told(sql) %}
  {%- set told = modules.re.search('/[*] restated (none|(\\S+) (\\S+)) [*]/', sql) -%}
  {%- if not told -%}{{ return(none) }}{%- endif -%}
  {{ return([] if told.group(1) == 'none' else [told.group(2), told.group(3)]) }}
{% endmacro %}

{% macro remember_build() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set days = _days_told(model['compiled_code']) -%}
  insert into {{ _model_builds() }} (model, started_at, rebuilt, first_day, last_day)
  values (
    '{{ this.schema }}.{{ this.identifier }}',
    {{ instant(run_started_at) }},
  {%- if days %}
    'days', cast('{{ days[0] }}' as date), cast('{{ days[1] }}' as date)
  {%- else %}
    '{{ 'all' if days is none else 'nothing' }}', null, null
  {%- endif %}
  )
{% endmacro %}

{% macro _model_builds() %}
  {{- return(api.Relation.create(
    database=target.database, schema='intermediate', identifier='model_builds'
  )) -}}
{% endmacro %}

{# One statement on BigQuery, one transaction on DuckDB. #}
{% macro bigquery__get_merge_sql(target, source, unique_key, dest_columns, predicates) %}
  {%- set by_day = config.get('meta', {}).get('by_day') -%}
  {%- if not by_day -%}
    {{ return(dbt.default__get_merge_sql(target, source, unique_key, dest_columns, predicates)) }}
  {%- endif -%}
  {%- set days = _days_told(model['compiled_code']) -%}
  {%- set columns = dest_columns | map(attribute='quoted') | join(', ') -%}
  {%- if days %}
  merge into {{ target }} as old
  using {{ source }} as fresh
  on false
  when not matched by source and old.{{ by_day['day'] }} between cast('{{ days[0] }}' as date) and cast('{{ days[1] }}' as date)
    then delete
  when not matched by target
    then insert ({{ columns }}) values ({{ columns }})
  {%- else %}
  select 'no day was restated' as nothing_to_do
  {%- endif %}
{% endmacro %}

{% macro duckdb__get_incremental_merge_sql(args) %}
  {%- set by_day = config.get('meta', {}).get('by_day') -%}
  {%- if not by_day -%}
    {{ return(dbt_duckdb.duckdb__get_incremental_merge_sql(args)) }}
  {%- endif -%}
  {%- set days = _days_told(model['compiled_code']) -%}
  {%- set columns = args['dest_columns'] | map(attribute='quoted') | join(', ') -%}
  {%- if days %}
  delete from {{ args['target_relation'] }}
  where {{ by_day['day'] }} between cast('{{ days[0] }}' as date) and cast('{{ days[1] }}' as date);
  insert into {{ args['target_relation'] }} ({{ columns }})
  select {{ columns }} from {{ args['temp_relation'] }}
  {%- else %}
  select 'no day was restated' as nothing_to_do
  {%- endif %}
{% endmacro %}
