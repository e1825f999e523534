{# The body of a CTE: the campaigns that tags name, by platform, touch_date and tag, which are the
   columns of the relation `tags`. A tag means the campaign that had the name on that day; where none
   is seen to, one of whose name on that day nothing else is known; else one that had it before. A
   name that two campaigns share means neither. #}
{% macro campaigns_named_by(tags) -%}
  select
    platform,
    touch_date,
    tag,
    min(account_id) as account_id,
    min(campaign_id) as campaign_id
  from (
    select
      *,
      max(certainty) over (partition by platform, touch_date, tag) as best
    from (
      select
        tags.platform,
        tags.touch_date,
        tags.tag,
        names.account_id,
        names.campaign_id,
        max(
          case
            when tags.touch_date between names.first_seen and names.last_seen then 3
            when tags.touch_date < names.valid_before then 2
            else 1
          end
        ) as certainty
      from {{ tags }} as tags
      inner join {{ ref('int_journeys_campaign_names') }} as names
        on tags.platform = names.platform
        and {{ sha256_hex('tags.tag') }} = names.name_hash
        and tags.touch_date >= names.valid_from
      group by tags.platform, tags.touch_date, tags.tag, names.account_id, names.campaign_id
    ) as candidates
  ) as ranked
  where certainty = best
  group by platform, touch_date, tag
  having count(*) = 1
{%- endmacro %}
