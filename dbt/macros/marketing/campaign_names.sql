{# The body of a CTE: the campaigns that tags mean, by platform, touch_date and tag, which are the
   columns of the relation `tags`; how many campaigns a tag may mean (`campaigns`), and only of one its
   ids. A tag is a campaign's name, or its id where a link has the platform's own placeholder for it.

   It means the campaign that had the name on that day; where none is seen to, one of whose name on that
   day nothing else is known; else one that had it before. Among campaigns alike in that, the very name
   goes before the id, and that before a name in other capitals, spaces or percent-encoding. What two
   campaigns share means neither. #}
{% macro campaigns_meant_by(tags) -%}
  select
    platform,
    touch_date,
    tag,
    count(*) as campaigns,
    case when count(*) = 1 then min(account_id) end as account_id,
    case when count(*) = 1 then min(campaign_id) end as campaign_id,
    case when count(*) > 1 then 'ambiguous' else min(basis) end as basis
  from (
    select
      *,
      max(certainty) over (partition by platform, touch_date, tag) as best
    from (
      select
        spelt.platform,
        spelt.touch_date,
        spelt.tag,
        names.account_id,
        names.campaign_id,
        'name' as basis,
        max(
          case
            when spelt.touch_date between names.first_seen and names.last_seen then 30
            when spelt.touch_date < names.valid_before then 20
            else 10
          end + spelt.closeness
        ) as certainty
      from (
        select distinct platform, touch_date, tag, spelling, closeness, {{ sha256_hex('text') }} as name_key
        from (
          select platform, touch_date, tag, 'exact' as spelling, 4 as closeness, tag as text
          from {{ tags }}
          union all
          select platform, touch_date, tag, 'exact', 3, {{ percent_decoded('tag') }}
          from {{ tags }}
          union all
          select platform, touch_date, tag, 'folded', 1, {{ folded_name('tag') }}
          from {{ tags }}
          union all
          select platform, touch_date, tag, 'folded', 1, {{ folded_name(percent_decoded('tag')) }}
          from {{ tags }}
        ) as texts
        where text != ''
      ) as spelt
      inner join (
        select *, 'exact' as spelling, name_hash as name_key
        from {{ ref('int_journeys_campaign_names') }}
        union all
        select *, 'folded' as spelling, folded_name_hash as name_key
        from {{ ref('int_journeys_campaign_names') }}
        where folded_name_hash is not null
      ) as names
        on spelt.platform = names.platform
        and spelt.spelling = names.spelling
        and spelt.name_key = names.name_key
        and spelt.touch_date >= names.valid_from
      group by spelt.platform, spelt.touch_date, spelt.tag, names.account_id, names.campaign_id
      union all
      select
        tags.platform,
        tags.touch_date,
        tags.tag,
        by_id.account_id,
        by_id.campaign_id,
        'id' as basis,
        32 as certainty
      from {{ tags }} as tags
      inner join {{ ref('int_journeys_tagged_campaigns') }} as by_id
        on tags.platform = by_id.platform
        and {{ trimmed('tags.tag') }} = by_id.campaign_id
    ) as candidates
  ) as ranked
  where certainty = best
  group by platform, touch_date, tag
{%- endmacro %}
