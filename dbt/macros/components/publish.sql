{# Writes what was solved: the model's table, the edges and days it is of, and the history. #}

{% macro components_publish_first(target, replaced, sql) %}
  {%- if replaced is not none -%}{% do adapter.drop_relation(replaced) %}{%- endif -%}
  {%- set passes, queries = components_passes(), [] -%}
  {%- for n in range(passes) -%}
    {% do queries.append("
      select found.node, named.component_id, found.first_seen_at, found.v as node_key
      from (" ~ components_found(sql, n, passes) ~ ") as found
      left join (
        select v, root from " ~ components_work('labels_1') ~ "
        where " ~ components_pass('v', n, passes) ~ "
      ) as label
        on label.v = found.v
      inner join " ~ components_work('named') ~ " as named
        on named.root = coalesce(label.root, found.v)
    ") %}
  {%- endfor -%}
  {% do components_create_nodes(target, queries) %}
  {# A label for every node but those that are alone. #}
  {%- set shared = components_ask("
    select
      (select count(*) from " ~ target ~ ")
      - (select count(*) from " ~ components_work('labels_1') ~ ")
      - count(distinct edge.a)
    from " ~ components_beside('__edges') ~ " as edge
    left join " ~ components_work('labels_1') ~ " as label
      on label.v = edge.a
    where edge.a = edge.b and label.v is null
  ") -%}
  {%- if shared != 0 -%}
    {% do adapter.drop_relation(target) %}
    {% do components_refuse_collisions("(" ~ components_found(sql) ~ ") as found") %}
  {%- endif -%}
  {% do _components_open_history() %}
  {% do _components_tell_days() %}
{% endmacro %}

{% macro components_publish_anew(target) %}
  {% do components_make('moves', _components_moves()) %}
  {% do components_create_nodes(target, ["
    select placed.node, named.component_id, placed.first_seen_at, placed.v as node_key
    from " ~ components_work('placed') ~ " as placed
    inner join " ~ components_work('named') ~ " as named
      on named.root = placed.root
  "]) %}
  {% do _components_open_history() %}
  {% do components_run(_components_tell_history()) %}
  {% do _components_tell_days() %}
{% endmacro %}

{% macro _components_tell_days() %}
  {% do components_fingerprint(components_beside('__edges')) %}
  {% do components_run(
    "insert into " ~ components_beside('__days') ~ " (day, edges, low, high) " ~ _components_days()
  ) %}
{% endmacro %}

{# Rows that changed are taken out and put in again: on DuckDB an update in place would have whole
   row groups written anew. #}
{% macro components_publish_changes(target, days) %}
  {% do components_make('changed', "
    select placed.node, named.component_id, placed.first_seen_at, placed.v as node_key
    from " ~ components_work('placed') ~ " as placed
    inner join " ~ components_work('named') ~ " as named
      on named.root = placed.root
    where
      placed.old_id is distinct from named.component_id
      or placed.old_seen is distinct from placed.first_seen_at
  ") %}
  {% do components_make('outdated', "
    select known.v
    from " ~ components_work('known') ~ " as known
    left join " ~ components_work('placed') ~ " as placed
      on placed.v = known.v
    where placed.v is null
    union all
    select placed.v
    from " ~ components_work('placed') ~ " as placed
    inner join " ~ components_work('changed') ~ " as changed
      on changed.node_key = placed.v
    where placed.old_id is not null
  ") %}
  {% do components_make('moves', _components_moves()) %}
  {% do _components_open_history() %}
  {%- set edges = components_beside('__edges') -%}
  {% do components_change([
    "delete from " ~ target ~ " where node_key in (select v from " ~ components_work('outdated') ~ ")",
    "insert into " ~ target ~ " (" ~ components_columns() ~ ")
    select " ~ components_columns() ~ " from " ~ components_work('changed'),
    _components_tell_history(),
    "delete from " ~ edges ~ " as edge
    where " ~ components_within('edge.first_seen_at', days) ~ "
      and exists (
        select 1
        from " ~ components_work('gone') ~ " as gone
        where gone.a = edge.a and gone.b = edge.b and gone.first_seen_at = edge.first_seen_at
      )",
    "insert into " ~ edges ~ " (a, b, first_seen_at)
    select distinct a, b, first_seen_at from " ~ components_work('new_rows'),
  ] + _components_replace_days()) %}
{% endmacro %}

{# The same edges, told another number of times. #}
{% macro components_publish_days() %}
  {% do components_change(_components_replace_days()) %}
{% endmacro %}

{% macro _components_days() %}
  {{- return("select day, edges, low, high from " ~ components_work('days')) -}}
{% endmacro %}

{% macro _components_replace_days() %}
  {%- set days = components_beside('__days') -%}
  {%- set changed = "(select day from " ~ components_work('changed_days') ~ ")" -%}
  {{ return([
    "delete from " ~ days ~ " where day in " ~ changed,
    "insert into " ~ days ~ " (day, edges, low, high) " ~ _components_days() ~ " where day in " ~ changed,
  ]) }}
{% endmacro %}

{# Old id and new: a component that merged into another, or nodes that left one. #}
{% macro _components_moves() %}
  {{- return("
    select claim.old_id as from_component_id, named.component_id as into_component_id, 'merge' as reason
    from " ~ components_work('claims') ~ " as claim
    inner join " ~ components_work('named') ~ " as named
      on named.root = claim.root
    where claim.old_id != named.component_id
    union all
    select distinct placed.old_id, named.component_id, 'split'
    from " ~ components_work('placed') ~ " as placed
    inner join " ~ components_work('claims') ~ " as claim
      on claim.old_id = placed.old_id
    inner join " ~ components_work('named') ~ " as named
      on named.root = placed.root
    where claim.root != placed.root
  ") -}}
{% endmacro %}

{% macro _components_open_history() %}
  {% do components_run(
    "create table if not exists " ~ components_history() ~ " (
      from_component_id " ~ dbt.type_string() ~ ",
      into_component_id " ~ dbt.type_string() ~ ",
      happened_at " ~ type_instant() ~ ",
      reason " ~ dbt.type_string() ~ "
    )"
  ) %}
{% endmacro %}

{% macro _components_tell_history() %}
  {{- return(
    "insert into " ~ components_history() ~ " (from_component_id, into_component_id, happened_at, reason)
    select from_component_id, into_component_id, " ~ instant(run_started_at) ~ ", reason
    from " ~ components_work('moves')
  ) -}}
{% endmacro %}
