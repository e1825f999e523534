{# The ids of the components, into the work table `named` (root, component_id). #}

{# Of a first build, where no id is to be kept. A founder is at an end of its component's earliest
   edge: only those edges' texts are looked at. #}
{% macro components_name_first(sql) %}
  {% do components_make('founded', "
    select coalesce(label.root, edge.a) as root, min(edge.first_seen_at) as first_seen_at
    from " ~ components_beside('__edges') ~ " as edge
    left join " ~ components_work('labels_1') ~ " as label
      on label.v = edge.a
    group by 1
  ") %}
  {% do components_make('named', "
    select root, " ~ dbt.hash('min(node)') ~ " as component_id
    from (
      select founded.root, least(edge.left_node, edge.right_node) as node
      from (" ~ _components_hashed(sql) ~ ") as edge
      left join " ~ components_work('labels_1') ~ " as label
        on label.v = edge.v
      inner join " ~ components_work('founded') ~ " as founded
        on founded.root = coalesce(label.root, edge.v) and founded.first_seen_at = edge.first_seen_at
    ) as founding
    group by root
  ") %}
  {% do components_drop('founded') %}
{% endmacro %}

{# From `placed`, by the rules; also
     claims  old_id, root, founded_at: which component each old id goes to #}
{% macro components_name() %}
  {# The part with the founder has the old id, else the part with the node seen first. #}
  {% do components_make('claims', "
    select old_id, root, first_seen_at as founded_at
    from (
      select
        old_id,
        root,
        first_seen_at,
        row_number() over (
          partition by old_id
          order by
            case when " ~ dbt.hash('node') ~ " = old_id then 0 else 1 end,
            first_seen_at,
            node
        ) as place
      from " ~ components_work('placed') ~ "
      where old_id is not null
    ) as ranked
    where place = 1
  ") %}
  {% do components_make('kept', "
    select root, old_id as component_id
    from (
      select
        root,
        old_id,
        row_number() over (partition by root order by founded_at, old_id) as place
      from " ~ components_work('claims') ~ "
    ) as ranked
    where place = 1
  ") %}
  {# Where a founder left its component and founds another one, its hash is taken: the new one's id
     is of this run. #}
  {% do components_make('named', "
    select
      fresh.root,
      case
        when taken.component_id is null then fresh.component_id
        else " ~ dbt.hash("concat(fresh.node, '|" ~ run_started_at.isoformat() ~ "')") ~ "
      end as component_id
    from (
      select root, node, " ~ dbt.hash('node') ~ " as component_id
      from (" ~ _components_founders() ~ ") as founded
    ) as fresh
    left join " ~ components_work('kept') ~ " as taken
      on taken.component_id = fresh.component_id
    union all
    select root, component_id from " ~ components_work('kept')
  ) %}
{% endmacro %}

{# The node seen first of each component that has no id to keep, of several the smallest text. #}
{% macro _components_founders() %}
  {{- return("
    select placed.root, min(placed.node) as node
    from " ~ components_work('placed') ~ " as placed
    inner join (
      select root, min(first_seen_at) as first_seen_at
      from " ~ components_work('placed') ~ "
      where root not in (select root from " ~ components_work('kept') ~ ")
      group by root
    ) as earliest
      on earliest.root = placed.root and earliest.first_seen_at = placed.first_seen_at
    group by placed.root
  ") -}}
{% endmacro %}
