{# What differs between the engines while components are solved. #}

{# A node as a 64-bit integer. The salt is for the day on which two nodes' hashes collide. #}
{% macro node_key(node) -%}
  {%- set salt = config.get('meta', {}).get('salt', '') -%}
  {{- return(adapter.dispatch('node_key')("concat('" ~ salt ~ "', " ~ node ~ ")" if salt else node)) -}}
{%- endmacro %}
{% macro duckdb__node_key(node) -%}
  cast(hash({{ node }}) >> 1 as bigint)
{%- endmacro %}
{% macro bigquery__node_key(node) -%}
  farm_fingerprint({{ node }})
{%- endmacro %}

{# An edge as a 64-bit integer: the same for both of its directions. #}
{% macro edge_hash(left, right, seen) %}{{ return(adapter.dispatch('edge_hash')(left, right, seen)) }}{% endmacro %}
{% macro duckdb__edge_hash(left, right, seen) -%}
  cast(hash(least({{ left }}, {{ right }}), greatest({{ left }}, {{ right }}), {{ seen }}) >> 1 as bigint)
{%- endmacro %}
{% macro bigquery__edge_hash(left, right, seen) -%}
  farm_fingerprint(format(
    '%d %d %d', least({{ left }}, {{ right }}), greatest({{ left }}, {{ right }}), unix_micros({{ seen }})
  ))
{%- endmacro %}

{# Days since the epoch, in UTC. #}
{% macro day_number(at) %}{{ return(adapter.dispatch('day_number')(at)) }}{% endmacro %}
{% macro duckdb__day_number(at) -%}
  (epoch_us({{ at }}) // 86400000000)
{%- endmacro %}
{% macro bigquery__day_number(at) -%}
  unix_date(date({{ at }}))
{%- endmacro %}

{# A table of the run's own. #}
{% macro components_work(name) %}{{ return(adapter.dispatch('components_work')(name)) }}{% endmacro %}
{% macro duckdb__components_work(name) %}
  {{- return('temp."' ~ this.identifier ~ '__work_' ~ name ~ '"') -}}
{% endmacro %}
{% macro bigquery__components_work(name) %}
  {{- return(components_beside('__work_' ~ name)) -}}
{% endmacro %}

{% macro components_make(name, sql) %}{{ return(adapter.dispatch('components_make')(name, sql)) }}{% endmacro %}
{% macro duckdb__components_make(name, sql) %}
  {% do components_run("create temporary table " ~ components_work(name) ~ " as " ~ sql) %}
{% endmacro %}
{# It expires by itself, should no later run come to drop it. #}
{% macro bigquery__components_make(name, sql) %}
  {% do components_run(
    "create table " ~ components_work(name)
    ~ " options (expiration_timestamp = timestamp_add(current_timestamp(), interval 1 day)) as " ~ sql
  ) %}
{% endmacro %}

{% macro components_drop(name) %}
  {% do components_run("drop table if exists " ~ components_work(name)) %}
{% endmacro %}

{# Drops what this run made, or one before it that failed. #}
{% macro components_clear_work() %}{{ return(adapter.dispatch('components_clear_work')()) }}{% endmacro %}
{% macro duckdb__components_clear_work() %}
  {%- set found = run_query(
    "select table_name from duckdb_tables() where temporary and starts_with(table_name, '"
    ~ this.identifier ~ "__work_')"
  ) -%}
  {%- for row in found.rows -%}
    {% do components_run('drop table temp."' ~ row[0] ~ '"') %}
  {%- endfor -%}
{% endmacro %}
{% macro bigquery__components_clear_work() %}
  {%- for relation in adapter.list_relations_without_caching(this.without_identifier()) -%}
    {%- if relation.identifier.startswith(this.identifier ~ '__work_') -%}
      {% do components_run("drop table if exists " ~ relation) %}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}

{# Several changes at once: a transaction is open on DuckDB already. #}
{% macro components_change(statements) %}{{ return(adapter.dispatch('components_change')(statements)) }}{% endmacro %}
{% macro duckdb__components_change(statements) %}
  {%- for sql in statements -%}{% do components_run(sql) %}{%- endfor -%}
{% endmacro %}
{% macro bigquery__components_change(statements) %}
  {% do components_run("begin transaction;\n" ~ statements | join(";\n") ~ ";\ncommit transaction") %}
{% endmacro %}

{# BigQuery commits by itself; without this, DuckDB rolls the run back while dbt reports success. #}
{% macro components_commit() %}{{ return(adapter.dispatch('components_commit')()) }}{% endmacro %}
{% macro duckdb__components_commit() %}{% do adapter.commit() %}{% endmacro %}
{% macro bigquery__components_commit() %}{% endmacro %}

{# Months of first_seen_at, where the engine has partitions. #}
{% macro components_edges_layout() %}{{ return(adapter.dispatch('components_edges_layout')()) }}{% endmacro %}
{% macro duckdb__components_edges_layout() %}{{ return('') }}{% endmacro %}
{% macro bigquery__components_edges_layout() %}
  {{- return('partition by timestamp_trunc(first_seen_at, month)') -}}
{% endmacro %}
{% macro components_columns() -%}node, component_id, first_seen_at, node_key{%- endmacro %}

{# The model's table, of one query's rows or of several's. DuckDB would compress texts with FSST, to
   half the size; written and read plain they take a third of the time, and each run reads them. #}
{% macro components_create_nodes(target, queries) %}
  {{- return(adapter.dispatch('components_create_nodes')(target, queries)) -}}
{% endmacro %}
{% macro duckdb__components_create_nodes(target, queries) %}
  {% do components_run(
    "create or replace table " ~ target ~ " (
      node text using compression uncompressed,
      component_id text using compression uncompressed,
      first_seen_at timestamptz,
      node_key bigint
    )"
  ) %}
  {%- for sql in queries -%}
    {% do components_run("insert into " ~ target ~ " (" ~ components_columns() ~ ") " ~ sql) %}
  {%- endfor -%}
{% endmacro %}
{% macro bigquery__components_create_nodes(target, queries) %}
  {% do components_run(
    "create or replace table " ~ target ~ " cluster by component_id as " ~ queries | join(" union all ")
  ) %}
{% endmacro %}

{# In how many passes the nodes' texts are gathered, by key: on DuckDB so many that the texts of one
   fit into memory. Of the key it is the higher bits: the lower ones place a row in a hash table. #}
{% macro components_passes() %}{{ return(adapter.dispatch('components_passes')()) }}{% endmacro %}
{% macro duckdb__components_passes() %}
  {{- return(components_ask("select count(*) from " ~ components_beside('__edges')) // 3000000 + 1) -}}
{% endmacro %}
{% macro bigquery__components_passes() %}{{ return(1) }}{% endmacro %}
{% macro components_pass(column, number, passes) -%}
  {{ 'true' if passes == 1 else 'mod(' ~ column ~ ' >> 24, ' ~ passes ~ ') = ' ~ number }}
{%- endmacro %}

{# The instants of a range of days, as a condition that prunes. #}
{% macro components_within(column, days) -%}
  {%- set epoch, one_day = modules.datetime.datetime(1970, 1, 1), modules.datetime.timedelta(days=1) -%}
  {{ column }} >= {{ instant(epoch + days[0] * one_day) }}
  and {{ column }} < {{ instant(epoch + (days[1] + 1) * one_day) }}
{%- endmacro %}

{% macro components_beside(suffix) %}
  {{- return(api.Relation.create(
    database=this.database, schema=this.schema, identifier=this.identifier ~ suffix, type='table'
  )) -}}
{% endmacro %}

{% macro components_history() %}
  {%- set name = config.require('meta')['history'] -%}
  {{- return(api.Relation.create(
    database=this.database, schema=this.schema, identifier=name, type='table'
  )) -}}
{% endmacro %}

{% macro components_run(sql) %}
  {% call statement('components') %}{{ sql }}{% endcall %}
{% endmacro %}

{# The one value of a query. #}
{% macro components_ask(sql) %}
  {{- return(run_query(sql).rows[0][0]) -}}
{% endmacro %}
