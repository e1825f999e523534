{# What is to be solved, and where its nodes were put. In the work table `placed`:
     node, v       its text and its key
     root          the key of the node that stands for its component in this run
     first_seen_at of its earliest edge
     old_id, old_seen  as the model's table has them; NULL where the node is new #}

{# `<model>__edges` anew. On BigQuery that can't be undone: `__days` is emptied before and filled
   last, and a run that finds it empty builds anew, too. #}
{% macro components_store_all_edges(sql) %}
  {% do components_refuse_nulls(sql) %}
  {%- set number = "cast(0 as " ~ dbt.type_bigint() ~ ")" -%}
  {% do components_run(
    "create or replace table " ~ components_beside('__days') ~ " as
    select " ~ number ~ " as day, " ~ number ~ " as edges, " ~ number ~ " as low, " ~ number ~ " as high
    limit 0"
  ) %}
  {% do components_run(
    "create or replace table " ~ components_beside('__edges') ~ " " ~ components_edges_layout() ~ " as
    select a, b, first_seen_at from (" ~ _components_hashed(sql) ~ ") as hashed"
  ) %}
{% endmacro %}

{# Every node by its text, or those of one pass: where two share a key, there are more nodes than
   keys. #}
{% macro components_found(sql, number=0, passes=1) %}
  {{- return("
    select
      node,
      " ~ node_key('node') ~ " as v,
      cast(min(first_seen_at) as " ~ type_instant() ~ ") as first_seen_at
    from (
      select left_node as node, first_seen_at
      from (" ~ sql ~ ") as edge
      where " ~ components_pass(node_key('left_node'), number, passes) ~ "
      union all
      select right_node as node, first_seen_at
      from (" ~ sql ~ ") as edge
      where " ~ components_pass(node_key('right_node'), number, passes) ~ "
    ) as ends
    group by node
  ") -}}
{% endmacro %}

{% macro components_place_all(sql) %}
  {% do components_make('placed', "
    select
      found.node,
      found.v,
      coalesce(label.root, found.v) as root,
      found.first_seen_at,
      known.component_id as old_id,
      known.first_seen_at as old_seen
    from (" ~ components_found(sql) ~ ") as found
    left join " ~ components_work('labels_1') ~ " as label
      on label.v = found.v
    left join " ~ this ~ " as known
      on known.node = found.node
  ") %}
  {% do components_drop('labels_1') %}
  {% do components_refuse_collisions(components_work('placed')) %}
{% endmacro %}

{# What the changed edges tie together: components that no edge went from, each as one unit, and the
   single nodes of the others and of no component yet. Into the work tables
     known    node, v, component_id, first_seen_at, unit: as it was; a unit's key is a node's of it,
              NULL in the components that an edge went from
     nodes    node, v, unit, first_seen_at, old_id, old_seen: as it is
     edges_1  a, b: edges between units #}
{% macro components_load_affected(sql) %}
  {%- set is_torn = components_ask("select count(*) from " ~ components_work('gone')) > 0 -%}
  {%- set rows = "select left_node, right_node, v, w, first_seen_at from " ~ components_work('new_rows') -%}
  {%- if is_torn -%}
    {% do components_make('torn', "
      select distinct component_id
      from " ~ components_work('touched') ~ "
      where v in (
        select a from " ~ components_work('gone') ~ "
        union all
        select b from " ~ components_work('gone') ~ "
      )
    ") %}
    {%- set torn = "(select component_id from " ~ components_work('torn') ~ ")" -%}
    {% do components_make('known', "
      select node, v, component_id, first_seen_at, min(v) over (partition by component_id) as unit
      from " ~ components_work('touched') ~ "
      where component_id not in " ~ torn ~ "
      union all
      select node, node_key as v, component_id, first_seen_at, null as unit
      from " ~ this ~ "
      where component_id in " ~ torn
    ) %}
    {%- set rows = rows ~ "
      union all
      select left_node, right_node, v, w, first_seen_at
      from (" ~ _components_hashed(sql) ~ ") as hashed
      where v in (select v from " ~ components_work('known') ~ " where unit is null)
    " -%}
  {%- else -%}
    {% do components_make('known', "
      select node, v, component_id, first_seen_at, min(v) over (partition by component_id) as unit
      from " ~ components_work('touched')
    ) %}
  {%- endif -%}
  {% do components_make('affected_rows', rows) %}
  {% do components_make('nodes', "
    select
      coalesce(known.node, found.node) as node,
      coalesce(known.v, found.v) as v,
      coalesce(known.unit, known.v, found.v) as unit,
      case
        when known.unit is null or known.first_seen_at > found.first_seen_at
          then found.first_seen_at
        else known.first_seen_at
      end as first_seen_at,
      known.component_id as old_id,
      known.first_seen_at as old_seen
    from " ~ components_work('known') ~ " as known
    full join (
      select node, v, min(first_seen_at) as first_seen_at
      from (
        select left_node as node, v, first_seen_at from " ~ components_work('affected_rows') ~ "
        union all
        select right_node as node, w as v, first_seen_at from " ~ components_work('affected_rows') ~ "
      ) as ends
      group by node, v
    ) as found
      on found.node = known.node
    where known.unit is not null or found.node is not null
  ") %}
  {% do components_refuse_collisions(components_work('nodes')) %}
  {% do components_make('edges_1', "
    select one.unit as a, other.unit as b
    from " ~ components_work('affected_rows') ~ " as edge
    inner join " ~ components_work('nodes') ~ " as one
      on one.v = edge.v
    inner join " ~ components_work('nodes') ~ " as other
      on other.v = edge.w
  ") %}
{% endmacro %}

{# Of components that merge, the other nodes are placed as well: who was the founder, and who is to
   be relabelled. And those whose id is the hash of a node that may found a component now: their
   founder had left them, and the id is not to be given twice. #}
{% macro components_place_affected() %}
  {% do components_make('placed_ends', "
    select
      node.node,
      node.v,
      coalesce(label.root, node.unit) as root,
      node.first_seen_at,
      node.old_id,
      node.old_seen
    from " ~ components_work('nodes') ~ " as node
    left join " ~ components_work('labels_1') ~ " as label
      on label.v = node.unit
  ") %}
  {%- set ends = components_work('placed_ends') -%}
  {% do components_make('wanted', "
    select distinct held.old_id as component_id, held.root
    from " ~ ends ~ " as held
    inner join (
      select root from " ~ ends ~ " where old_id is not null group by root having min(old_id) != max(old_id)
    ) as merging
      on merging.root = held.root
    where held.old_id is not null
    union all
    select component_id, null
    from (
      select distinct " ~ dbt.hash('node') ~ " as component_id
      from " ~ ends ~ "
      where root not in (select root from " ~ ends ~ " where old_id is not null)
    ) as fresh
    where component_id not in (select old_id from " ~ ends ~ " where old_id is not null)
  ") %}
  {% do components_make('placed', "
    select node, v, root, first_seen_at, old_id, old_seen
    from " ~ components_work('placed_ends') ~ "
    union all
    select
      rest.node,
      rest.v,
      coalesce(rest.root, min(rest.v) over (partition by rest.component_id)) as root,
      rest.first_seen_at,
      rest.component_id as old_id,
      rest.first_seen_at as old_seen
    from (
      select
        known.node,
        known.node_key as v,
        known.component_id,
        known.first_seen_at,
        wanted.root
      from " ~ this ~ " as known
      inner join " ~ components_work('wanted') ~ " as wanted
        on wanted.component_id = known.component_id
    ) as rest
    left join " ~ components_work('known') ~ " as placed
      on placed.v = rest.v
    where placed.v is null
  ") %}
{% endmacro %}

{# Two nodes of one key would be taken for one. #}
{% macro components_refuse_collisions(nodes) %}
  {%- set found = run_query("
    select min(node), max(node) from " ~ nodes ~ " group by v having count(*) > 1 limit 1
  ").rows -%}
  {%- if found | length > 0 -%}
    {% do exceptions.raise_compiler_error(
      "Two nodes of " ~ this ~ " have one 64-bit hash: '" ~ found[0][0] ~ "' and '" ~ found[0][1]
      ~ "'. Kept: the table is as it was. Fix: set `meta: {salt: …}` in the model's config to "
      ~ "another text, and run it with --full-refresh."
    ) %}
  {%- endif -%}
{% endmacro %}
