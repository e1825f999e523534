{# One platform's part of a table, all columns: the stable interface that
   analysts of one platform query. #}
{% macro platform_campaign_daily(platform) -%}
select
  platform, account_id, date, campaign_id, campaign_name, campaign_status, advertising_type,
  daily_budget_micros, impressions, clicks, cost_micros, conversions, conversion_value,
  currency_code, time_zone
from {{ ref('ads_campaign_daily') }}
where platform = '{{ platform }}'
{%- endmacro %}

{% macro platform_ad_daily(platform) -%}
select
  platform, account_id, date, campaign_id, campaign_name, adgroup_id, adgroup_name, ad_id, ad_name, ad_status,
  impressions, clicks, cost_micros, conversions, conversion_value, currency_code, time_zone
from {{ ref('int_spend_ad_days') }}
where platform = '{{ platform }}'
{%- endmacro %}
