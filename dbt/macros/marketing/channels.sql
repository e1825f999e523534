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

{# Click ids that only paid clicks carry, by the channel they stand for. fbclid is none of them: it
   comes with unpaid posts, too. `t` is the relation's alias. #}
{% macro search_click(t) -%}
  coalesce({{ t }}.gclid, {{ t }}.wbraid, {{ t }}.gbraid, {{ t }}.msclkid)
{%- endmacro %}
{% macro social_click(t) -%}
  coalesce({{ t }}.ttclid, {{ t }}.li_fat_id)
{%- endmacro %}

{# A `display_click` is a dclid. #}
{% macro default_channel_group(source, medium, search_click, social_click, display_click='cast(null as ' ~ dbt.type_string() ~ ')') -%}
  case
    when {{ search_click }} is not null then 'Paid Search'
    when {{ social_click }} is not null then 'Paid Social'
    when {{ display_click }} is not null then 'Display'
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
    when {{ medium }} in ('push', 'mobile', 'notification') then 'Mobile Push Notifications'
    when {{ medium }} in ('social', 'social-network', 'social-media', 'sm')
      or {{ is_social_source(source) }} then 'Organic Social'
    when {{ medium }} = 'organic' or {{ is_search_source(source) }} then 'Organic Search'
    when {{ medium }} in ('referral', 'app', 'link') then 'Referral'
    else 'Unassigned'
  end
{%- endmacro %}

{# paid, owned, earned or direct. An affiliate is paid, by commission; what names a source and no
   class that is known ("Unassigned") was at least not bought. #}
{% macro touch_class(channel) -%}
  case
    when {{ channel }} in ('Paid Search', 'Paid Social', 'Paid Other', 'Display', 'Affiliates') then 'paid'
    when {{ channel }} in ('Email', 'SMS', 'Mobile Push Notifications') then 'owned'
    when {{ channel }} = 'Direct' then 'direct'
    else 'earned'
  end
{%- endmacro %}

{# The channel that an ad platform's spend stands for where no visit tells: the group that most of
   its clicks come in as. #}
{% macro channel_of_platform(platform) -%}
  case
    when {{ platform }} in ('google_ads', 'microsoft_ads') then 'Paid Search'
    when {{ platform }} in ('meta_ads', 'tiktok_ads', 'linkedin_ads') then 'Paid Social'
    else 'Paid Other'
  end
{%- endmacro %}

{# The ad platform a visit was paid to, NULL where none shows. fbclid alone also comes with unpaid
   posts, so it counts only with a paid medium. `t` is the relation's alias. #}
{% macro ad_platform(source, medium, t) -%}
  case
    when coalesce({{ t }}.gclid, {{ t }}.wbraid, {{ t }}.gbraid) is not null then 'google_ads'
    when {{ t }}.msclkid is not null then 'microsoft_ads'
    when {{ t }}.ttclid is not null then 'tiktok_ads'
    when {{ t }}.li_fat_id is not null then 'linkedin_ads'
    when not ({{ is_paid_medium(medium) }} or coalesce({{ medium }} = 'display', false)) then null
    when {{ matches(source, 'google') }} then 'google_ads'
    when {{ matches(source, 'bing') }} then 'microsoft_ads'
    when {{ matches(source, '(facebook|instagram|meta)|^(fb|ig)$') }} then 'meta_ads'
    when {{ matches(source, 'tiktok') }} then 'tiktok_ads'
    when {{ matches(source, 'linkedin') }} then 'linkedin_ads'
  end
{%- endmacro %}
