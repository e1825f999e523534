{# Which edges came and went since the model was built last. #}

{# Work table `days`: a fingerprint of each day's edges (a, b, first_seen_at). Two sums of 32 bits
   of each edge's hash: an edge that came, went, or moved in time changes them. #}
{% macro components_fingerprint(edges) %}
  {% do components_make('days', "
    select
      " ~ day_number('first_seen_at') ~ " as day,
      count(*) as edges,
      " ~ sum_int('h & 4294967295') ~ " as low,
      " ~ sum_int('h >> 32') ~ " as high
    from (
      select first_seen_at, " ~ edge_hash('a', 'b', 'first_seen_at') ~ " as h
      from " ~ edges ~ "
    ) as hashed
    group by 1
  ") %}
{% endmacro %}

{# Whether the last run left what the next one needs. A build anew empties `__days` first. #}
{% macro components_state_is_whole() %}
  {%- for relation in [components_beside('__edges'), components_beside('__days')] -%}
    {%- if load_cached_relation(relation) is none -%}{{ return(false) }}{%- endif -%}
  {%- endfor -%}
  {%- if 'node_key' not in adapter.get_columns_in_relation(this) | map(attribute='name') -%}
    {{ return(false) }}
  {%- endif -%}
  {{ return(components_ask("select count(*) from " ~ components_beside('__days')) > 0) }}
{% endmacro %}

{# First and last day (numbers since the epoch) whose edges differ, into the work table
   `changed_days` each of them; none where nothing changed. #}
{% macro components_changed_days(sql) %}
  {% do components_fingerprint("(" ~ _components_hashed(sql) ~ ") as edge") %}
  {% do components_make('changed_days', "
    select coalesce(now.day, before.day) as day
    from " ~ components_work('days') ~ " as now
    full join " ~ components_beside('__days') ~ " as before
      on before.day = now.day
    where
      now.edges is distinct from before.edges
      or now.low is distinct from before.low
      or now.high is distinct from before.high
  ") %}
  {%- set found = run_query(
    "select min(day), max(day), count(*) - count(day) from " ~ components_work('changed_days')
  ).rows[0] -%}
  {%- if found[2] > 0 -%}{% do components_refuse_nulls(sql) %}{%- endif -%}
  {{ return(none if found[0] is none else [found[0] | int, found[1] | int]) }}
{% endmacro %}

{# Work tables of the changed days: `new_rows`, edges with their nodes' texts that were not there,
   and `gone`, edges that are there no more; `touched`, the nodes at their ends that are known. False
   where an edge that went has an end that is not, or a node's key is no longer what it was. #}
{% macro components_compare(sql, days) %}
  {%- set changed_days = "(select day from " ~ components_work('changed_days') ~ ")" -%}
  {% do components_make('rows', "
    select * from (" ~ _components_hashed(sql) ~ ") as hashed
    where " ~ components_within('first_seen_at', days) ~ "
      and " ~ day_number('first_seen_at') ~ " in " ~ changed_days
  ) %}
  {% do components_refuse_nulls("select * from " ~ components_work('rows')) %}
  {% do components_make('old_rows', "
    select a, b, first_seen_at
    from " ~ components_beside('__edges') ~ "
    where " ~ components_within('first_seen_at', days) ~ "
      and " ~ day_number('first_seen_at') ~ " in " ~ changed_days
  ) %}
  {%- set same = "one.a = other.a and one.b = other.b and one.first_seen_at = other.first_seen_at" -%}
  {% do components_make('new_rows', "
    select one.*
    from " ~ components_work('rows') ~ " as one
    left join " ~ components_work('old_rows') ~ " as other
      on " ~ same ~ "
    where other.a is null
  ") %}
  {% do components_make('gone', "
    select one.*
    from " ~ components_work('old_rows') ~ " as one
    left join (select distinct a, b, first_seen_at from " ~ components_work('rows') ~ ") as other
      on " ~ same ~ "
    where other.a is null
  ") %}
  {% do components_drop('rows') %}
  {% do components_drop('old_rows') %}
  {% do components_make('touched', "
    select node, v, component_id, first_seen_at
    from (
      select node, node_key as v, component_id, first_seen_at from " ~ this ~ "
    ) as known
    where v in (
      select a from " ~ components_work('new_rows') ~ "
      union all
      select b from " ~ components_work('new_rows') ~ "
      union all
      select a from " ~ components_work('gone') ~ "
      union all
      select b from " ~ components_work('gone') ~ "
    )
  ") %}
  {%- set unknown = components_ask("
    select
      (select count(*) from " ~ components_work('touched') ~ " where v != " ~ node_key('node') ~ ")
      + count(*)
    from (
      select a as v from " ~ components_work('gone') ~ "
      union all
      select b as v from " ~ components_work('gone') ~ "
    ) as ended
    where v not in (select v from " ~ components_work('touched') ~ ")
  ") -%}
  {{ return(unknown == 0) }}
{% endmacro %}

{% macro components_edges_changed() %}
  {{ return(components_ask(
    "select (select count(*) from " ~ components_work('new_rows') ~ ")"
    ~ " + (select count(*) from " ~ components_work('gone') ~ ")"
  ) > 0) }}
{% endmacro %}

{# The model's edges with their nodes' keys, the lesser first. #}
{% macro _components_hashed(sql) %}
  {{- return("
    select left_node, right_node, v, w, least(v, w) as a, greatest(v, w) as b, first_seen_at
    from (
      select
        left_node,
        right_node,
        " ~ node_key('left_node') ~ " as v,
        " ~ node_key('right_node') ~ " as w,
        cast(first_seen_at as " ~ type_instant() ~ ") as first_seen_at
      from (" ~ sql ~ ") as edge
    ) as keyed") -}}
{% endmacro %}

{# An edge without its ends or its instant would be lost without a word. #}
{% macro components_refuse_nulls(sql) %}
  {%- set unusable = components_ask("
    select count(*)
    from (" ~ sql ~ ") as edge
    where left_node is null or right_node is null or first_seen_at is null
  ") -%}
  {%- if unusable -%}
    {% do exceptions.raise_compiler_error(
      unusable ~ " edges of " ~ this ~ " lack a node or the instant they were seen. Kept: the table "
      ~ "is as it was. Fix: leave such rows out of the model's SQL."
    ) %}
  {%- endif -%}
{% endmacro %}
