{# First group of a pattern, NULL where it isn't found; DuckDB gives an empty string. #}
{% macro extract_group(text, pattern) %}{{ return(adapter.dispatch('extract_group')(text, pattern)) }}{% endmacro %}
{% macro duckdb__extract_group(text, pattern) -%}
  nullif(regexp_extract({{ text }}, '{{ pattern }}', 1), '')
{%- endmacro %}
{% macro bigquery__extract_group(text, pattern) -%}
  nullif(regexp_extract({{ text }}, r'{{ pattern }}'), '')
{%- endmacro %}

{# Whether a pattern is found anywhere in a text. #}
{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches')(text, pattern)) }}{% endmacro %}
{% macro duckdb__matches(text, pattern) -%}
  regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}
{% macro bigquery__matches(text, pattern) -%}
  regexp_contains({{ text }}, r'{{ pattern }}')
{%- endmacro %}

{# SHA-256 of a text, as hex in small letters: how the names of campaigns are kept. #}
{% macro sha256_hex(text) %}{{ return(adapter.dispatch('sha256_hex')(text)) }}{% endmacro %}
{% macro duckdb__sha256_hex(text) -%}
  sha256({{ text }})
{%- endmacro %}
{% macro bigquery__sha256_hex(text) -%}
  to_hex(sha256({{ text }}))
{%- endmacro %}

{# A text without the white space around it, a no-break or zero-width one too. The signs are said by
   number: engines and translators read escapes in texts differently. #}
{% macro trimmed(text) -%}
  trim({{ text }}, concat(' ', chr(9), chr(10), chr(12), chr(13), chr(160), chr(8203), chr(65279)))
{%- endmacro %}

{# A text with every match of a pattern replaced. #}
{% macro replaced(text, pattern, by) %}{{ return(adapter.dispatch('replaced')(text, pattern, by)) }}{% endmacro %}
{% macro duckdb__replaced(text, pattern, by) -%}
  regexp_replace({{ text }}, '{{ pattern }}', '{{ by }}', 'g')
{%- endmacro %}
{% macro bigquery__replaced(text, pattern, by) -%}
  regexp_replace({{ text }}, r'{{ pattern }}', r'{{ by }}')
{%- endmacro %}

{# A text in Unicode's composed form: an accent may be a letter's part or follow it. #}
{% macro composed(text) %}{{ return(adapter.dispatch('composed')(text)) }}{% endmacro %}
{% macro duckdb__composed(text) -%}
  nfc_normalize({{ text }})
{%- endmacro %}
{% macro bigquery__composed(text) -%}
  normalize({{ text }}, nfc)
{%- endmacro %}

{# A text with its percent-encoded bytes decoded; NULL where they are no UTF-8, or
   there is no text. #}
{% macro percent_decoded(text) %}{{ return(adapter.dispatch('percent_decoded')(text)) }}{% endmacro %}
{% macro duckdb__percent_decoded(text) -%}
  nullif(try(url_decode({{ text }})), '')
{%- endmacro %}
{% macro bigquery__percent_decoded(text) -%}
  (
    select
      case
        when logical_and(part is not null) then string_agg(part, '' order by piece_number)
      end
    from (
      select
        place as piece_number,
        case
          when length(piece) > 2 and starts_with(piece, '%')
            then safe_cast(from_hex(replace(piece, '%', '')) as string)
          else piece
        end as part
      from unnest(regexp_extract_all({{ text }}, r'(?:%[0-9a-fA-F]{2})+|[^%]+|%')) as piece with offset as place
    ) as parts
  )
{%- endmacro %}
