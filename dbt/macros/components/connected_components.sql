{# Connected components of an undirected graph, with ids that last from run to run.

   The model's SQL gives the edges, one row an edge (it may be repeated):
     left_node STRING, right_node STRING, first_seen_at TIMESTAMP
   where left_node = right_node declares a node that may have no edge. It is read once or twice a
   run, so it had better select from a table.

   The model's table has a row a node:
     node STRING, component_id STRING, first_seen_at TIMESTAMP (of the node's earliest edge),
     node_key INT64 (the node's hash, which a run finds it by)

   A component's id is the hash of its founding node, the one seen first when it was founded. It
   stays as edges come; of components that merge, the one whose founder was seen first keeps its
   id; of the parts of one that breaks, the part that holds the founder. What was relabelled is
   appended to the table that `meta: {history: …}` names, in the model's schema.

   Beside the model stand `<model>__edges`, the edges solved so far as pairs of hashes, and
   `<model>__days`, a fingerprint of each day's edges: only the days whose fingerprint differs are
   compared edge by edge, and only the components that an edge came to or went from are solved.

   The components are found by hooking and shortcutting (Shiloach and Vishkin, "An O(log n)
   parallel connectivity algorithm", J. Algorithms 3, 1982), a round a statement. #}
{% materialization connected_components, default %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set grant_config = config.get('grants') -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% do components_clear_work() %}

  {%- set nodes_known = existing is not none and existing.is_table -%}
  {%- set anew = should_full_refresh() or not nodes_known or not components_state_is_whole() -%}
  {%- set days = none if anew else components_changed_days(compiled_code) -%}
  {%- if days -%}
    {#- An edge that went and whose nodes are unknown: the state is not this table's, or hashes
        have changed with the engine's version. -#}
    {%- set anew = not components_compare(compiled_code, days) -%}
  {%- endif -%}

  {%- if anew -%}
    {% do components_clear_work() %}
    {% do components_store_all_edges(compiled_code) %}
    {% do components_solve(components_beside('__edges')) %}
    {%- if nodes_known -%}
      {% do components_place_all(compiled_code) %}
      {% do components_name() %}
      {% do components_publish_anew(target_relation) %}
    {%- else -%}
      {% do components_name_first(compiled_code) %}
      {% do components_publish_first(target_relation, existing, compiled_code) %}
    {%- endif -%}
  {%- elif days -%}
    {%- if components_edges_changed() -%}
      {% do components_load_affected(compiled_code) %}
      {% do components_solve(components_work('edges_1')) %}
      {% do components_place_affected() %}
      {% do components_name() %}
      {% do components_publish_changes(target_relation, days) %}
    {%- else -%}
      {% do components_publish_days() %}
    {%- endif -%}
  {%- endif -%}

  {% call noop_statement('main', 'ALL' if anew else ('CHANGES' if days else 'NOTHING')) -%}
    {{ compiled_code }}
  {%- endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% do apply_grants(target_relation, grant_config, should_revoke=should_revoke(existing, anew)) %}
  {% do persist_docs(target_relation, model) %}
  {% do components_clear_work() %}
  {% do components_commit() %}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
