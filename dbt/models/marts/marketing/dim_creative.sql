-- What every ad says and shows: the first text of each field and the first image, of the ads that a
-- platform lists. An ad that has several of a field is one of which the platform chooses.
with assets as (
  select
    platform,
    account_id,
    ad_id,
    {%- for field in ['headline', 'body', 'description', 'call_to_action'] %}
    max(case when field = '{{ field | upper }}' and position = 1 then text end) as {{ field }},
    {%- endfor %}
    max(case when field = 'IMAGE' and position = 1 then image_sha256 end) as image_sha256,
    max(case when field = 'IMAGE' and position = 1 then image_missing_because end)
      as image_missing_because,
    {{ count_where("field = 'IMAGE'") }} as images,
    {{ count_where("field = 'HEADLINE'") }} as headlines
  from {{ ref('stg_ads__creative_assets') }}
  group by platform, account_id, ad_id
)

select
  ads.platform,
  ads.account_id,
  adgroups.parent_id as campaign_id,
  ads.parent_id as adgroup_id,
  ads.entity_id as ad_id,
  ads.name as ad_name,
  adgroups.name as adgroup_name,
  ads.status as ad_status,
  assets.headline,
  assets.body,
  assets.description,
  assets.call_to_action,
  assets.image_sha256,
  assets.image_missing_because,
  assets.images,
  assets.headlines
from {{ ref('stg_ads__entities') }} as ads
inner join assets
  on ads.platform = assets.platform
  and ads.account_id = assets.account_id
  and ads.entity_id = assets.ad_id
left join {{ ref('stg_ads__entities') }} as adgroups
  on ads.platform = adgroups.platform
  and ads.account_id = adgroups.account_id
  and ads.parent_id = adgroups.entity_id
  and adgroups.entity_type = 'adgroup'
where ads.entity_type = 'ad'
