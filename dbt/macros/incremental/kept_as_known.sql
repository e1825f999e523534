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

{# The first day that the table lacks of some account that has loads since its newest rows, as a date; none
   for all days. Another account doesn't count, however long ago its last day is. The table has a row a
   day of every account whose level is account, and known_at. #}
{% macro first_day_not_kept(loads) %}
  {%- if not execute or not is_incremental() -%}{{ return(none) }}{%- endif -%}
  {%- set day = run_query(
    "select min(coalesce(" ~ add_days('kept.last_day', 1) ~ ", loads.first_day)) from ("
    ~ "select platform, account_id, min(window_start) as first_day, max(published_at) as published_at"
    ~ " from " ~ loads ~ " group by platform, account_id) as loads left join ("
    ~ "select platform, account_id, max(date) as last_day, max(known_at) as known_at from " ~ this
    ~ " where level = 'account' group by platform, account_id) as kept"
    ~ " on loads.platform = kept.platform and loads.account_id = kept.account_id"
    ~ " where kept.known_at is null or loads.published_at > kept.known_at"
  ).rows[0][0] -%}
  {{ return(day or modules.datetime.date(9999, 12, 31)) }}
{% endmacro %}
