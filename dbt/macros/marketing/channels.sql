{# Traffic classes after GA4's default channel group (support.google.com/analytics/answer/9756891).
   Arguments are columns of lower-case text, or NULL. #}
{% macro is_paid_medium(medium) -%}
  coalesce({{ matches(medium, '^(.*cp.*|ppc|retargeting|paid.*)$') }}, false)
{%- endmacro %}

{# Patterns of the sources of a channel: the ad platforms', and what else is on GA4's lists of sites. #}
{% macro sources_of(channel) -%}
  {%- set patterns = {
    'Paid Search': ['yahoo|duckduckgo|ecosia|baidu|yandex'],
    'Paid Social': ['twitter|youtube|^(x|t.co)$'],
  }.get(channel, []) -%}
  {%- for platform in platforms().values() if platform['channel'] == channel and platform['sources'] -%}
    {%- do patterns.append(platform['sources']) -%}
  {%- endfor -%}
  {{ return(patterns) }}
{%- endmacro %}
{% macro is_source_of(channel, source) -%}
  coalesce({{ matches(source, sources_of(channel) | join('|')) }}, false)
{%- endmacro %}

{# The channels that are bought, in the order in which a click id tells of them. #}
{% macro paid_channels() -%}
  {{ return(['Paid Search', 'Paid Social', 'Paid Other', 'Display', 'Affiliates']) }}
{%- endmacro %}

{# `t` is the alias of a relation with every click id. #}
{% macro default_channel_group(source, medium, t) -%}
  case
    {%- for channel in paid_channels() if proofs_of(channel) %}
    when {{ first_click_of(proofs_of(channel), t) }} is not null then '{{ channel }}'
    {%- endfor %}
    when coalesce({{ source }}, '(direct)') = '(direct)'
      and coalesce({{ medium }}, '(none)') in ('(none)', '(not set)') then 'Direct'
    when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'Display'
    {%- for channel in paid_channels() if sources_of(channel) %}
    when {{ is_paid_medium(medium) }} and {{ is_source_of(channel, source) }} then '{{ channel }}'
    {%- endfor %}
    when {{ is_paid_medium(medium) }} then 'Paid Other'
    when {{ medium }} in ('email', 'e-mail', 'e_mail', 'newsletter')
      or {{ source }} in ('email', 'newsletter') then 'Email'
    when {{ medium }} in ('affiliate', 'affiliates') then 'Affiliates'
    when {{ medium }} in ('sms', 'text') then 'SMS'
    when {{ medium }} in ('push', 'mobile', 'notification') then 'Mobile Push Notifications'
    when {{ medium }} in ('social', 'social-network', 'social-media', 'sm')
      or {{ is_source_of('Paid Social', source) }} then 'Organic Social'
    when {{ medium }} = 'organic' or {{ is_source_of('Paid Search', source) }} then 'Organic Search'
    when {{ medium }} in ('referral', 'app', 'link') then 'Referral'
    else 'Unassigned'
  end
{%- endmacro %}

{# paid, owned, earned or direct. An affiliate is paid, by commission; what names a source and no
   class that is known ("Unassigned") was at least not bought. #}
{% macro touch_class(channel) -%}
  case
    when {{ channel }} in ('{{ paid_channels() | join("', '") }}') then 'paid'
    when {{ channel }} in ('Email', 'SMS', 'Mobile Push Notifications') then 'owned'
    when {{ channel }} = 'Direct' then 'direct'
    else 'earned'
  end
{%- endmacro %}

{# The channel that an ad platform's spend stands for where no visit tells: the group that most of
   its clicks come in as. #}
{% macro channel_of_platform(platform) -%}
  case {{ platform }}
    {%- for name, known in platforms().items() %}
    when '{{ name }}' then '{{ known['channel'] }}'
    {%- endfor %}
  end
{%- endmacro %}

{# The ad platform a visit was paid to, NULL where none shows. A click id that unpaid posts carry,
   too, proves none. `t` is the alias of a relation with every click id. #}
{% macro ad_platform(source, medium, t) -%}
  case
    {%- for name, platform in platforms().items() if platform['click_ids'] %}
    when {{ first_click_of(platform['click_ids'], t) }} is not null then '{{ name }}'
    {%- endfor %}
    when not ({{ is_paid_medium(medium) }} or coalesce({{ medium }} = 'display', false)) then null
    {%- for name, platform in platforms().items() if platform['sources'] %}
    when {{ matches(source, platform['sources']) }} then '{{ name }}'
    {%- endfor %}
  end
{%- endmacro %}
