{# Components of a table of edges (a, b: BIGINT; may repeat, and go from a node to itself), into the
   work table `labels_1` (v, root): a row for every node that has an edge to another.

   A round hooks every node to its least neighbour, or to that one's least neighbour where it is
   less still (the shortcut), and replaces the edges' ends by what they are hooked to. Any map of
   nodes to nodes of their own component keeps components apart and whole, so each round is right
   by itself. Edges within one node fall away: a component that is done costs nothing any more.
   Round k shortcuts k - 2 times more, so that a tree of hooks as deep as a path is long gets flat
   after log2 of its depth; every tree has two nodes at least, so there are about 2 log2(nodes)
   rounds at most. On hashed keys there are far fewer. #}
{% macro components_solve(edges) %}
  {%- set most_rounds, started = 60, modules.datetime.datetime.now() -%}
  {%- set state = namespace(left=1, rounds=0) -%}
  {%- for k in range(1, most_rounds + 1) -%}
    {%- if state.left > 0 -%}
      {%- set state.left = _components_round(k, edges if k == 1 else components_work('edges_' ~ k)) -%}
      {%- set state.rounds = k -%}
      {% do components_drop('edges_' ~ k) %}
    {%- endif -%}
  {%- endfor -%}
  {%- if state.left > 0 -%}
    {%- set unsolved = components_work('edges_' ~ (most_rounds + 1)) -%}
    {%- set one = run_query("select a, b from " ~ unsolved ~ " order by a, b limit 1").rows[0] -%}
    {% do exceptions.raise_compiler_error(
      "After " ~ most_rounds ~ " rounds " ~ state.left ~ " edges of " ~ this ~ " are unsolved, such "
      ~ "as " ~ one[0] ~ " to " ~ one[1] ~ ". Kept: the table is as it was. Fix: report this with "
      ~ "the edges, it is a fault in dbt/macros/components/solve.sql."
    ) %}
  {%- endif -%}
  {% do components_drop('edges_' ~ (state.rounds + 1)) %}
  {%- for k in range(state.rounds, 0, -1) -%}
    {%- set hooks = components_work('hooks_' ~ k) -%}
    {%- if k == state.rounds -%}
      {% do components_make('labels_' ~ k, "select v, p as root from " ~ hooks) %}
    {%- else -%}
      {% do components_make('labels_' ~ k, "
        select below.v, coalesce(above.root, below.p) as root
        from " ~ hooks ~ " as below
        left join " ~ components_work('labels_' ~ (k + 1)) ~ " as above
          on above.v = below.p
      ") %}
      {% do components_drop('labels_' ~ (k + 1)) %}
    {%- endif -%}
    {% do components_drop('hooks_' ~ k) %}
  {%- endfor -%}
  {%- set took = (modules.datetime.datetime.now() - started).total_seconds() -%}
  {{ log(
    this.identifier ~ ": components solved in " ~ state.rounds ~ " round(s), " ~ took | round(2) ~ " s",
    info=true
  ) }}
{% endmacro %}

{# Edges into `hooks_k` (v, p) and `edges_k+1`; how many edges are left. #}
{% macro _components_round(k, edges) %}
  {% do components_make('least', "
    select v, min(u) as m
    from (
      select a as v, b as u from " ~ edges ~ " where a != b
      union all
      select b as v, a as u from " ~ edges ~ " where a != b
    ) as directed
    group by v
  ") %}
  {%- set shortcuts = [k - 2, 0] | max -%}
  {% do components_make('hooks_' ~ k ~ ('_0' if shortcuts else ''), "
    select near.v, least(near.m, far.m) as p
    from " ~ components_work('least') ~ " as near
    inner join " ~ components_work('least') ~ " as far
      on far.v = near.m
  ") %}
  {% do components_drop('least') %}
  {%- for n in range(1, shortcuts + 1) -%}
    {%- set before = 'hooks_' ~ k ~ '_' ~ (n - 1) -%}
    {% do components_make('hooks_' ~ k ~ ('_' ~ n if n < shortcuts else ''), "
      select near.v, far.p
      from " ~ components_work(before) ~ " as near
      inner join " ~ components_work(before) ~ " as far
        on far.v = near.p
    ") %}
    {% do components_drop(before) %}
  {%- endfor -%}
  {%- set hooks = components_work('hooks_' ~ k) -%}
  {# Written `one.p != other.p`, DuckDB takes the condition for a join of hooks with hooks. #}
  {% do components_make('edges_' ~ (k + 1), "
    select distinct least(one.p, other.p) as a, greatest(one.p, other.p) as b
    from " ~ edges ~ " as edge
    inner join " ~ hooks ~ " as one
      on one.v = edge.a
    inner join " ~ hooks ~ " as other
      on other.v = edge.b
    where least(one.p, other.p) < greatest(one.p, other.p)
  ") %}
  {{- return(components_ask("select count(*) from " ~ components_work('edges_' ~ (k + 1)))) -}}
{% endmacro %}
