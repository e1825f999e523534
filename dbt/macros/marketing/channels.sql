{# Traffic classes after GA4's default channel group, its rules in its order
   (support.google.com/analytics/answer/9756891). Arguments are columns of lower-case text, or NULL.
   Beyond GA4: click ids prove a channel; the names of ad platforms in platforms.yaml are sites of
   their channel; newsletter, affiliates, text and X, which GA4 knows by their other names only. #}
{% macro is_paid_medium(medium) -%}
  coalesce({{ matches(medium, '^(.*cp.*|ppc|retargeting|paid.*)$') }}, false)
{%- endmacro %}

{# A left join to GA4's list of sites, as `alias`: whole names, less a leading www. #}
{% macro join_site(source, alias='sites') -%}
  left join {{ ref('ga4_source_categories') }} as {{ alias }}
    on regexp_replace({{ source }}, '^www[.]', '') = {{ alias }}.site
{%- endmacro %}

{# Whether a visit's source is a site of one of GA4's four lists, or of an ad platform of the channel. #}
{% macro is_site_of(category, channel, source, site_category) -%}
  (
    {{ site_category }} = '{{ category }}'
    {%- if category == 'social' %}
    or {{ source }} in ('x', 'x.com')
    {%- endif %}
    {%- for pattern in sites_of(channel) %}
    or {{ matches(source, pattern) }}
    {%- endfor %}
  )
{%- endmacro %}

{# Patterns of the ad platforms of a channel, each of whole sources. #}
{% macro sites_of(channel) -%}
  {{ return(platforms().values() | selectattr('channel', 'equalto', channel) | map(attribute='sources') | list) }}
{%- endmacro %}

{# The channels that are bought, in the order in which a click id tells of them. #}
{% macro paid_channels() -%}
  {{ return([
    'Cross-network', 'Paid Shopping', 'Paid Search', 'Paid Social', 'Paid Video', 'Display', 'Paid Other',
    'Affiliates', 'Audio'
  ]) }}
{%- endmacro %}

{# `site_category` is the source's, by join_site; `t` the alias of a relation with every click id. #}
{% macro default_channel_group(source, medium, campaign, site_category, t) -%}
  {%- set lists = [
    ('shopping', 'Shopping'), ('search', 'Search'), ('social', 'Social'), ('video', 'Video')
  ] -%}
  {%- set names_a_shop = matches('lower(' ~ campaign ~ ')', '^(.*(([^a-df-z]|^)shop|shopping).*)$') -%}
  case
    {%- for channel in paid_channels() if proofs_of(channel) %}
    when {{ first_click_of(proofs_of(channel), t) }} is not null then '{{ channel }}'
    {%- endfor %}
    when coalesce({{ source }}, '(direct)') = '(direct)'
      and coalesce({{ medium }}, '(none)') in ('(none)', '(not set)') then 'Direct'
    when {{ matches('lower(' ~ campaign ~ ')', 'cross-network') }} then 'Cross-network'
    {%- for category, name in lists %}
    {%- set channel = 'Paid ' ~ name %}
    when {{ is_paid_medium(medium) }}
      and ({{ is_site_of(category, channel, source, site_category) }}
      {%- if category == 'shopping' %} or {{ names_a_shop }}{% endif %}) then '{{ channel }}'
    {%- endfor %}
    when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'Display'
    {%- for channel in ['Display', 'Affiliates', 'Audio'] if sites_of(channel) %}
    when {{ is_paid_medium(medium) }} and {{ matches(source, sites_of(channel) | join('|')) }} then '{{ channel }}'
    {%- endfor %}
    when {{ is_paid_medium(medium) }} then 'Paid Other'
    when {{ is_site_of('shopping', 'Paid Shopping', source, site_category) }} or {{ names_a_shop }} then 'Organic Shopping'
    when {{ is_site_of('social', 'Paid Social', source, site_category) }}
      or {{ medium }} in ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')
      then 'Organic Social'
    when {{ is_site_of('video', 'Paid Video', source, site_category) }} or {{ matches(medium, 'video') }} then 'Organic Video'
    when {{ is_site_of('search', 'Paid Search', source, site_category) }} or {{ medium }} = 'organic' then 'Organic Search'
    {#- since May 2026; which referrers get that medium, GA4 decides and doesn't list #}
    when {{ medium }} = 'ai-assistant' then 'AI Assistant'
    when {{ medium }} in ('referral', 'app', 'link') then 'Referral'
    when {{ medium }} in ('email', 'e-mail', 'e_mail', 'e mail', 'newsletter')
      or {{ source }} in ('email', 'e-mail', 'e_mail', 'e mail', 'newsletter') then 'Email'
    when {{ medium }} in ('affiliate', 'affiliates') then 'Affiliates'
    when {{ medium }} = 'audio' then 'Audio'
    when {{ medium }} in ('sms', 'text') or {{ source }} = 'sms' then 'SMS'
    when {{ matches(medium, '(push$|mobile|notification)') }} or {{ source }} = 'firebase'
      then 'Mobile Push Notifications'
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
    {%- for name, platform in platforms().items() %}
    when {{ matches(source, platform['sources']) }} then '{{ name }}'
    {%- endfor %}
  end
{%- endmacro %}
