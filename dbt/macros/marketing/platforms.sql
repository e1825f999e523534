{# What pipelines/platforms.yaml says of ad platforms and click ids. It comes as variables, which
   pipelines.build.dbt_variables writes; without them the project can be parsed, but not compiled. #}
{% macro platforms() -%}
  {%- if execute and not var('platforms', {}) -%}
    {%- do exceptions.raise_compiler_error(
      "No ad platforms. `adcanary build` passes those of pipelines/platforms.yaml; whatever else runs dbt "
      ~ "passes pipelines.build.dbt_variables as --vars."
    ) -%}
  {%- endif -%}
  {{ return(var('platforms', {})) }}
{%- endmacro %}

{# Names of click ids, those that only paid clicks carry first: all that a visit may show, or those that
   a raw table has a column for. #}
{% macro click_ids(landed_in=none) -%}
  {%- do platforms() -%}
  {%- set names = var('click_ids', {}) | list -%}
  {%- if landed_in -%}
    {%- set names = names | select('in', var('landed_click_ids', {}).get(landed_in, [])) | list -%}
  {%- endif -%}
  {{ return(names) }}
{%- endmacro %}

{# Names of click ids that a raw table has no column for. #}
{% macro click_ids_not_in(table) -%}
  {{ return(click_ids() | reject('in', click_ids(table)) | list) }}
{%- endmacro %}

{# Names of the click ids that identify who clicked. #}
{% macro identity_click_ids(landed_in=none) -%}
  {%- set names = [] -%}
  {%- for name in click_ids(landed_in) if var('click_ids')[name]['identity'] -%}
    {%- do names.append(name) -%}
  {%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

{# The first that a record shows of some click ids. `t` is the relation's alias. #}
{% macro first_click_of(names, t=none) -%}
  {%- set columns = [] -%}
  {%- for name in names -%}{%- do columns.append(t ~ '.' ~ name if t else name) -%}{%- endfor -%}
  {{ columns[0] if columns | length == 1 else 'coalesce(' ~ columns | join(', ') ~ ')' }}
{%- endmacro %}

{# Names of the click ids that prove a channel. #}
{% macro proofs_of(channel) -%}
  {%- set names = [] -%}
  {%- for name in click_ids() if var('click_ids')[name]['channel'] == channel -%}
    {%- do names.append(name) -%}
  {%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

{# The source that a click id shows which unpaid clicks carry, too. #}
{% macro source_of_unpaid_click(landed_in) -%}
  case
    {%- for name in click_ids(landed_in) if not var('click_ids')[name]['paid'] %}
    when {{ name }} is not null then '{{ var('click_ids')[name]['source'] }}'
    {%- endfor %}
  end
{%- endmacro %}
