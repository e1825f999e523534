{{ config(by_day(
  'date',
  [
    'raw.ads_campaign_performance',
    'raw.ads_adgroup_performance',
    'raw.ads_ad_performance',
    'raw.fx_rates',
  ],
  after=7,
  cluster_by=['platform', 'account_id', 'campaign_id'],
)) }}
-- Every campaign's spend, by the finest that the platform told of it: the ad; else the ad group
-- (asset groups have no ads); else the campaign. What a level does not account for is a row of its
-- own, with '(none)' in place of the ad, so that the rows of a campaign and day sum to the campaign.
-- A level that was pulled in another currency, before the account changed its own, accounts for nothing.
{{ refuse_another_reporting_currency() }}
with campaigns as (
  select * from {{ ref('int_spend_campaign_days') }}
  where {{ restated('date') }}
),

adgroups as (
  select adgroups.*
  from {{ ref('stg_ads__adgroup_performance') }} as adgroups
  left join campaigns
    on adgroups.platform = campaigns.platform
    and adgroups.account_id = campaigns.account_id
    and adgroups.date = campaigns.date
    and adgroups.campaign_id = campaigns.campaign_id
  where
    {{ restated('adgroups.date') }}
    and adgroups.currency_code = coalesce(campaigns.currency_code, adgroups.currency_code)
),

ads as (
  select ads.*
  from {{ ref('stg_ads__ad_performance') }} as ads
  left join campaigns
    on ads.platform = campaigns.platform
    and ads.account_id = campaigns.account_id
    and ads.date = campaigns.date
    and ads.campaign_id = campaigns.campaign_id
  left join adgroups
    on ads.platform = adgroups.platform
    and ads.account_id = adgroups.account_id
    and ads.date = adgroups.date
    and ads.campaign_id = adgroups.campaign_id
    and ads.adgroup_id = adgroups.adgroup_id
  where
    {{ restated('ads.date') }}
    and ads.currency_code
    = coalesce(campaigns.currency_code, adgroups.currency_code, ads.currency_code)
),

rates as (
  select * from {{ ref('int_spend_fx_rates') }}
  where {{ restated('date') }}
),

ads_of_adgroups as (
  select
    platform,
    account_id,
    date,
    campaign_id,
    adgroup_id,
    {{ sum_int('impressions') }} as impressions,
    {{ sum_int('clicks') }} as clicks,
    {{ sum_int('cost_micros') }} as cost_micros,
    sum(conversions) as conversions,
    sum(conversion_value) as conversion_value
  from ads
  group by platform, account_id, date, campaign_id, adgroup_id
),

-- An ad group that was not pulled at its own level is taken to be what its ads are.
adgroups_without_row as (
  select told.*
  from ads_of_adgroups as told
  left join adgroups
    on told.platform = adgroups.platform
    and told.account_id = adgroups.account_id
    and told.date = adgroups.date
    and told.campaign_id = adgroups.campaign_id
    and told.adgroup_id = adgroups.adgroup_id
  where adgroups.adgroup_id is null
),

adgroups_of_campaigns as (
  select
    platform,
    account_id,
    date,
    campaign_id,
    {{ sum_int('impressions') }} as impressions,
    {{ sum_int('clicks') }} as clicks,
    {{ sum_int('cost_micros') }} as cost_micros,
    sum(conversions) as conversions,
    sum(conversion_value) as conversion_value
  from (
    select
      platform, account_id, date, campaign_id,
      impressions, clicks, cost_micros, conversions, conversion_value
    from adgroups
    union all
    select
      platform, account_id, date, campaign_id,
      impressions, clicks, cost_micros, conversions, conversion_value
    from adgroups_without_row
  ) as told
  group by platform, account_id, date, campaign_id
),

parts as (
  select
    platform,
    account_id,
    date,
    campaign_id,
    adgroup_id,
    ad_id,
    'ad' as finest_level,
    impressions,
    clicks,
    cost_micros,
    conversions,
    conversion_value,
    currency_code,
    time_zone
  from ads
  {%- for level, parts in [('adgroup', 'ads_of_adgroups'), ('campaign', 'adgroups_of_campaigns')] %}
  union all
  select
    whole.platform,
    whole.account_id,
    whole.date,
    whole.campaign_id,
    {{ 'whole.adgroup_id' if level == 'adgroup' else "'(none)' as adgroup_id" }},
    '(none)' as ad_id,
    '{{ level }}' as finest_level,
    {%- for measure in ['impressions', 'clicks', 'cost_micros'] %}
    whole.{{ measure }} - coalesce(told.{{ measure }}, 0) as {{ measure }},
    {%- endfor %}
    {%- for measure in ['conversions', 'conversion_value'] %}
    round(whole.{{ measure }} - coalesce(told.{{ measure }}, 0), 6) as {{ measure }},
    {%- endfor %}
    whole.currency_code,
    whole.time_zone
  from {{ level }}s as whole
  left join {{ parts }} as told
    on whole.platform = told.platform
    and whole.account_id = told.account_id
    and whole.date = told.date
    and whole.campaign_id = told.campaign_id
    {%- if level == 'adgroup' %}
    and whole.adgroup_id = told.adgroup_id
    {%- endif %}
  {%- endfor %}
),

kept as (
  select *
  from parts
  where
    finest_level = 'ad'
    or impressions != 0
    or clicks != 0
    or cost_micros != 0
    or conversions != 0
    or conversion_value != 0
),

rated as (
  select
    kept.*,
    case when kept.currency_code = {{ reporting_currency() }} then 1 else rates.fx_rate end
      as fx_rate,
    case when kept.currency_code = {{ reporting_currency() }} then kept.date else rates.fx_date end
      as fx_date,
    cast(
      sum(kept.cost_micros) over (
        partition by kept.platform, kept.account_id, kept.date, kept.campaign_id, kept.currency_code
        order by kept.adgroup_id, kept.ad_id
        rows between unbounded preceding and current row
      ) as {{ dbt.type_bigint() }}
    ) as cost_so_far
  from kept
  left join rates on kept.date = rates.date and kept.currency_code = rates.currency_code
)

select
  platform,
  account_id,
  date,
  campaign_id,
  adgroup_id,
  ad_id,
  finest_level,
  platform as channel,
  impressions,
  clicks,
  cost_micros,
  conversions,
  conversion_value,
  currency_code,
  time_zone,
  {{ reporting_currency() }} as reporting_currency_code,
  fx_rate,
  fx_date,
  -- Rounded as a running total, so that the parts of a campaign sum to its rounded whole.
  case
    when cost_micros = 0 then 0
    else
      {{ to_reporting_micros('cost_so_far', 'currency_code', 'fx_rate') }}
      - {{ to_reporting_micros('(cost_so_far - cost_micros)', 'currency_code', 'fx_rate') }}
  end as cost_reporting_micros,
  {{ to_reporting_value('conversion_value', 'currency_code', 'fx_rate') }}
    as conversion_value_reporting
from rated
