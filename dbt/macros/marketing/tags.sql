{# What people type and software writes into a link is compared in one spelling of each thing. #}

{# The source of a visit or a form: in small letters, and the host alone where an address stands in its
   place (android-app://com.example/ is com.example). #}
{% macro traffic_source(source) -%}
  {%- set plain = 'lower(' ~ trimmed(source) ~ ')' -%}
  case
    when strpos({{ source }}, '/') = 0 then nullif({{ plain }}, '')
    else
      coalesce(
        {{ extract_group(plain, '^(?:[a-z][a-z0-9+.-]*:)?//(?:www[.])?([^/?#:]+)') }},
        {{ extract_group(plain, '^([a-z0-9-]+(?:[.][a-z0-9-]+)+)/+$') }},
        {{ plain }}
      )
  end
{%- endmacro %}

{# A medium: in small letters. #}
{% macro traffic_medium(medium) -%}
  nullif(lower({{ trimmed(medium) }}), '')
{%- endmacro %}

{# A campaign's name, or a tag, as the two are compared: in small letters and composed accents, with
   one space for white space and for the plus sign that stands for it in links. #}
{% macro folded_name(name) -%}
  {{ trimmed(replaced('lower(' ~ composed(name) ~ ')', '[ \\t\\n\\r\\f\u00a0+]+', ' ')) }}
{%- endmacro %}
