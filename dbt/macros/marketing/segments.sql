{# The channel of the media mix that a campaign is of: its platform's, or the first of its segments
   (jobs.mmm.segments) that the campaign fits, as in google_ads:brand. One without labels and names
   takes the rest. `labels` is a text of labels, one a line. #}
{% macro mmm_channel(platform, name, labels) -%}
  {%- set segments = var('segments', []) -%}
  {%- if not segments -%}{{ return(platform) }}{%- endif -%}
  case
    {%- for segment in segments %}
    {%- set fitting = [] %}
    {%- for label in segment['labels'] %}
    {%- do fitting.append(has_line(labels, label)) %}
    {%- endfor %}
    {%- for part in segment['name_contains'] %}
    {%- do fitting.append('strpos(lower(' ~ name ~ '), ' ~ text_literal(part | lower) ~ ') > 0') %}
    {%- endfor %}
    when {{ platform }} = '{{ segment['channel'] }}'
      {%- if fitting %} and ({{ fitting | join(' or ') }}){% endif %}
      then '{{ segment['channel'] }}:{{ segment['name'] }}'
    {%- endfor %}
    else {{ platform }}
  end
{%- endmacro %}

{# Whether a text of lines has one, in any capitals. #}
{% macro has_line(text, line) -%}
  strpos(concat(chr(10), lower({{ text }}), chr(10)), concat(chr(10), {{ text_literal(line | lower) }}, chr(10))) > 0
{%- endmacro %}

{# A text of somebody's as a literal: what ends or escapes one is said by its number. #}
{% macro text_literal(text) -%}
  {%- if "'" in text or "\\" in text -%}
  concat('{{ text | replace("\\", "', chr(92), '") | replace("'", "', chr(39), '") }}')
  {%- else -%}
  '{{ text }}'
  {%- endif -%}
{%- endmacro %}

{# A name as a part of another: letters and digits in small letters, `_` for what stands between. #}
{% macro slug(text) -%}
  trim({{ replaced(composed('lower(' ~ text ~ ')'), '[^\\p{L}\\p{N}]+', '_') }}, '_')
{%- endmacro %}
