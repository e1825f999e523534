{# Tables of facts that belong to a day, of which a run rebuilds only the days that changed.

   Which days those are, the load ledger tells: the windows of the batches that were published to
   `tables` since the model was last built; and of a table of ours that is among them,
   intermediate.restated_days (moved_transactions.sql). They are literal dates in the SQL, so that BigQuery
   prunes partitions by them; rows of those days that are no longer there are removed as well.

     {{ config(by_day('date', ['raw.ads_campaign_performance'])) }}
     select … from {{ ref('stg_ads__campaign_performance') }}
     where {{ restated('date') }}

   `before` and `after` are further days around a restated one that change with it. `whole_weeks` takes
   the rest of their weeks along, Monday to Sunday: for a table of weeks, whose `day` is their Monday,
   and for what it is counted from, if that knows more than facts of a day. #}
{% macro by_day(day, tables, before=0, after=0, whole_weeks=false, cluster_by=none) %}
  {{ return({
    'materialized': 'incremental',
    'incremental_strategy': 'merge',
    'on_schema_change': 'sync_all_columns',
    'partition_by': daily_partitions(day),
    'cluster_by': cluster_by,
    'post_hook': "{{ remember_build() }}",
    'meta': {'by_day': {
      'day': day, 'tables': tables, 'before': before, 'after': after, 'whole_weeks': whole_weeks
    }},
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
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set told, read = [], [] -%}
    {%- for first, last in _restated_spans(ledger) -%}
      {%- do told.append(first ~ '..' ~ last) -%}
      {%- do read.append((first - before * one_day, last + after * one_day)) -%}
    {%- endfor -%}
      /* restated {{ told | join(' ') or 'nothing' }} */ {{ _within(column, read) }}
  {%- endif -%}
{% endmacro %}

{# Spans of days to rebuild, none where nothing changed. #}
{% macro _restated_spans(ledger) %}
  {%- if not execute -%}{{ return([]) }}{%- endif -%}
  {%- set last_build -%}
    (
      select coalesce(max(started_at), {{ instant(modules.datetime.datetime(1970, 1, 2)) }})
      from {{ _model_builds() }}
      where model = '{{ this.schema }}.{{ this.identifier }}'
    )
  {%- endset -%}
  {{ return(_published_spans(config.get('meta')['by_day'], ledger, last_build)) }}
{% endmacro %}

{# Spans of days that batches published since an instant replaced, apart from each other and in order,
   with a table's further days. An hour is looked back upon: a batch's instant is taken shortly before
   it is committed, and by another machine's clock. #}
{% macro _published_spans(by_day, ledger, since) %}
  {%- set of_tables = " where table_name in ('" ~ by_day['tables'] | join("', '") ~ "')"
    ~ " and published_at >= " ~ an_hour_before(since) -%}
  {%- set windows = run_query(
    "select window_start, window_end from " ~ ledger ~ of_tables ~ " union distinct "
    ~ "select window_start, window_end from " ~ _restated_days() ~ of_tables
    ~ " order by window_start, window_end"
  ).rows -%}
  {%- set one_day = modules.datetime.timedelta(days=1) -%}
  {%- set spans = [] -%}
  {%- for window in windows -%}
    {%- set first = window[0] - by_day['before'] * one_day -%}
    {%- set last = window[1] + by_day['after'] * one_day -%}
    {%- if by_day['whole_weeks'] -%}
      {%- set first = first - first.weekday() * one_day -%}
      {%- set last = last + (6 - last.weekday()) * one_day -%}
    {%- endif -%}
    {%- if spans and first <= spans[-1][1] + one_day -%}
      {%- set joined = spans.pop() -%}
      {%- do spans.append((joined[0], [joined[1], last] | max)) -%}
    {%- else -%}
      {%- do spans.append((first, last)) -%}
    {%- endif -%}
  {%- endfor -%}
  {#- many single days cost more as conditions than as one span -#}
  {{ return(spans if spans | length <= 20 else [(spans[0][0], spans[-1][1])]) }}
{% endmacro %}

{# Condition that a DATE column lies in one of some spans, as literal dates. #}
{% macro _within(column, spans) -%}
  (
    {%- for first, last in spans %}
    {{ 'or ' if not loop.first }}{{ column }} between cast('{{ first }}' as date) and cast('{{ last }}' as date)
    {%- else %}false
    {%- endfor %}
  )
{%- endmacro %}

{# The spans that a compiled model says it rebuilds, as texts: none for all days. #}
{% macro _spans_told(sql) %}
  {%- set told = modules.re.search('/[*] restated (.+?) [*]/', sql) -%}
  {{ return(_spans_in(told.group(1)) if told else none) }}
{% endmacro %}

{% macro _spans_in(text) %}
  {%- set spans = [] -%}
  {%- for span in text.split(' ') if '..' in span -%}
    {%- do spans.append(span.split('..')) -%}
  {%- endfor -%}
  {{ return(spans) }}
{% endmacro %}

{% macro remember_build() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set told = modules.re.search('/[*] restated (.+?) [*]/', model['compiled_code']) -%}
  insert into {{ _model_builds() }} (model, started_at, rebuilt)
  values (
    '{{ this.schema }}.{{ this.identifier }}',
    {{ instant(run_started_at) }},
    '{{ told.group(1) if told else 'everything' }}'
  )
{% endmacro %}

{% macro _restated_days() %}
  {{- return(api.Relation.create(
    database=target.database, schema='intermediate', identifier='restated_days'
  )) -}}
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
  {%- set spans = _spans_told(model['compiled_code']) -%}
  {%- set columns = dest_columns | map(attribute='quoted') | join(', ') -%}
  {%- if spans %}
  merge into {{ target }} as old
  using {{ source }} as fresh
  on false
  when not matched by source and {{ _within('old.' ~ by_day['day'], spans) }}
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
  {%- set spans = _spans_told(model['compiled_code']) -%}
  {%- set columns = args['dest_columns'] | map(attribute='quoted') | join(', ') -%}
  {%- if spans %}
  delete from {{ args['target_relation'] }}
  where {{ _within(by_day['day'], spans) }};
  insert into {{ args['target_relation'] }} ({{ columns }})
  select {{ columns }} from {{ args['temp_relation'] }}
  {%- else %}
  select 'no day was restated' as nothing_to_do
  {%- endif %}
{% endmacro %}
