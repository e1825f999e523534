{# Traffic classes after GA4's default channel group (support.google.com/analytics/answer/9756891).
   Arguments are columns of lower-case text, or NULL. #}
{% macro is_paid_medium(medium) -%}
  coalesce({{ matches(medium, '^(.*cp.*|ppc|retargeting|paid.*)$') }}, false)
{%- endmacro %}

{% macro is_search_source(source) -%}
  coalesce({{ matches(source, '(google|bing|yahoo|duckduckgo|ecosia|baidu|yandex)') }}, false)
{%- endmacro %}

{% macro is_social_source(source) -%}
  coalesce({{ matches(source, '(facebook|instagram|meta|tiktok|linkedin|pinterest|reddit|twitter|snapchat|youtube)|^(fb|ig|x|t.co)$') }}, false)
{%- endmacro %}

{% macro default_channel_group(source, medium, gclid, ttclid) -%}
  case
    when {{ gclid }} is not null then 'Paid Search'
    when {{ ttclid }} is not null then 'Paid Social'
    when coalesce({{ source }}, '(direct)') = '(direct)'
      and coalesce({{ medium }}, '(none)') in ('(none)', '(not set)') then 'Direct'
    when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'Display'
    when {{ is_paid_medium(medium) }} and {{ is_search_source(source) }} then 'Paid Search'
    when {{ is_paid_medium(medium) }} and {{ is_social_source(source) }} then 'Paid Social'
    when {{ is_paid_medium(medium) }} then 'Paid Other'
    when {{ medium }} in ('email', 'e-mail', 'e_mail', 'newsletter')
      or {{ source }} in ('email', 'newsletter') then 'Email'
    when {{ medium }} in ('affiliate', 'affiliates') then 'Affiliates'
    when {{ medium }} in ('sms', 'text') then 'SMS'
    when {{ medium }} in ('social', 'social-network', 'social-media', 'sm')
      or {{ is_social_source(source) }} then 'Organic Social'
    when {{ medium }} = 'organic' or {{ is_search_source(source) }} then 'Organic Search'
    when {{ medium }} in ('referral', 'app', 'link') then 'Referral'
    else 'Unassigned'
  end
{%- endmacro %}

{# The ad platform a visit was paid to, NULL where none shows. fbclid alone also comes with unpaid
   posts, so it counts only with a paid medium. #}
{% macro ad_platform(source, medium, gclid, ttclid) -%}
  case
    when {{ gclid }} is not null then 'google_ads'
    when {{ ttclid }} is not null then 'tiktok_ads'
    when not ({{ is_paid_medium(medium) }} or coalesce({{ medium }} = 'display', false)) then null
    when {{ matches(source, 'google') }} then 'google_ads'
    when {{ matches(source, '(facebook|instagram|meta)|^(fb|ig)$') }} then 'meta_ads'
    when {{ matches(source, 'tiktok') }} then 'tiktok_ads'
  end
{%- endmacro %}
