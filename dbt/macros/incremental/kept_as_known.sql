{# Tables that keep what was known on a day: a run adds the days that are new and touches no other, whatever
   was restated since; nor does a full refresh. #}
{% macro kept_as_known(day, cluster_by=none) %}
  {{ return({
    'materialized': 'incremental',
    'incremental_strategy': append_strategy(),
    'on_schema_change': 'append_new_columns',
    'full_refresh': false,
    'partition_by': daily_partitions(day),
    'cluster_by': cluster_by,
  }) }}
{% endmacro %}

{# What dbt calls adding rows: BigQuery merges on no key. #}
{% macro append_strategy() %}{{ return(adapter.dispatch('append_strategy')()) }}{% endmacro %}
{% macro duckdb__append_strategy() %}{{ return('append') }}{% endmacro %}
{% macro bigquery__append_strategy() %}{{ return('merge') }}{% endmacro %}

{# The first day that some account has in `facts` and the table doesn't, as a date; none for all days. An
   account without anything new doesn't count, however long ago its last day is. #}
{% macro first_day_not_kept(facts) %}
  {%- if not execute or not is_incremental() -%}{{ return(none) }}{%- endif -%}
  {%- set day = run_query(
    "select min(coalesce(" ~ add_days('kept.last_day', 1) ~ ", facts.first_day)) from ("
    ~ "select platform, account_id, min(date) as first_day, max(date) as last_day from " ~ facts
    ~ " group by platform, account_id) as facts left join ("
    ~ "select platform, account_id, max(date) as last_day from " ~ this
    ~ " group by platform, account_id) as kept on facts.platform = kept.platform"
    ~ " and facts.account_id = kept.account_id"
    ~ " where kept.last_day is null or facts.last_day > kept.last_day"
  ).rows[0][0] -%}
  {{ return(day or modules.datetime.date(9999, 12, 31)) }}
{% endmacro %}
