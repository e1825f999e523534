{{ config(kept_as_known('date', cluster_by=['level', 'platform', 'account_id'])) }}
-- What was known of every account, campaign, ad group and ad at the end of a day. A row is made once, by
-- the first build that has the day, and stays: whatever is restated later was not known then (ADR 37).
{%- set facts = ref('fct_ad_spend_by_ad_daily') %}
{%- set keys = ['level', 'platform', 'account_id', 'campaign_id', 'adgroup_id', 'ad_id'] %}
{%- set levels = {'account': 0, 'campaign': 1, 'adgroup': 2, 'ad': 3} %}
{%- set windows = [3, 7, 14, 28] %}
{%- set sums = ['impressions', 'clicks', 'cost_micros', 'conversions', 'conversion_value'] %}
{%- set first_day = first_day_not_kept(ref('stg_ads__loads')) %}
{%- set read_from = first_day - modules.datetime.timedelta(days=63) if first_day and first_day.year < 9999 else first_day %}
with accounts as (
  select
    platform,
    account_id,
    currency_code,
    max(date) as newest
  from {{ facts }}
  {%- if read_from %}
  where date >= cast('{{ read_from }}' as date)
  {%- endif %}
  group by platform, account_id, currency_code
  qualify row_number() over (
    partition by platform, account_id order by max(date) desc, currency_code
  ) = 1
),

kept as (
  {%- if first_day %}
  select platform, account_id, max(date) as last_day
  from {{ this }}
  where level = 'account'
  group by platform, account_id
  {%- else %}
  select
    cast(null as {{ dbt.type_string() }}) as platform,
    cast(null as {{ dbt.type_string() }}) as account_id,
    cast(null as date) as last_day
  from accounts
  where false
  {%- endif %}
),

launched_before as (
  {%- if first_day %}
  select
    {%- for key in keys %}
    features.{{ key }},
    {%- endfor %}
    features.launched_on
  from {{ this }} as features
  inner join kept
    on features.platform = kept.platform
    and features.account_id = kept.account_id
    and features.date = kept.last_day
  where features.date >= cast('{{ read_from }}' as date)
  {%- else %}
  select
    {%- for key in keys %}
    cast(null as {{ dbt.type_string() }}) as {{ key }},
    {%- endfor %}
    cast(null as date) as launched_on
  from accounts
  where false
  {%- endif %}
),

known as (
  select platform, account_id, max(published_at) as known_at
  from {{ ref('stg_ads__loads') }}
  group by platform, account_id
),

-- Money of another currency, from before an account changed its own, is not compared with today's.
ad_days as (
  select spend.*
  from {{ facts }} as spend
  inner join accounts
    on spend.platform = accounts.platform
    and spend.account_id = accounts.account_id
    and spend.currency_code = accounts.currency_code
  {%- if read_from %}
  where spend.date >= cast('{{ read_from }}' as date)
  {%- endif %}
),

level_days as (
  {%- for level, depth in levels.items() %}
  select
    '{{ level }}' as level,
    platform,
    account_id,
    {%- for name in ['campaign_id', 'adgroup_id', 'ad_id'] %}
    {{ name if loop.index <= depth else "'(all)' as " ~ name }},
    {%- endfor %}
    date,
    {{ sum_int('impressions') }} as impressions,
    {{ sum_int('clicks') }} as clicks,
    {{ sum_int('cost_micros') }} as cost_micros,
    sum(conversions) as conversions,
    sum(conversion_value) as conversion_value,
    {{ if_all_known('cost_reporting_micros', sum_int('cost_reporting_micros')) }}
      as cost_reporting_micros
  from ad_days
  group by
    platform, account_id, date
    {%- for name in ['campaign_id', 'adgroup_id', 'ad_id'][:depth] %}, {{ name }}{% endfor %}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

-- Four idle weeks end what was launched; delivery after them is a new launch.
launches as (
  select
    *,
    case
      when {{ days_between('lag(date) over (partition by ' ~ keys | join(', ') ~ ' order by date)', 'date') }} <= 28
        then null
      else date
    end as began_on
  from level_days
),

entities as (
  select
    {{ keys | join(', ') }},
    min(date) as first_date,
    max(date) as last_date
  from level_days
  group by {{ keys | join(', ') }}
),

spine as (
  select
    {%- for key in keys %}
    entities.{{ key }},
    {%- endfor %}
    entities.first_date,
    spine_date as date
  from entities
  inner join accounts
    on entities.platform = accounts.platform
    and entities.account_id = accounts.account_id
  cross join {{ day_series(
    'entities.first_date',
    'least(' ~ add_days('entities.last_date', 28) ~ ', accounts.newest)',
    'spine_date'
  ) }}
),

-- The order book knows campaigns; what is finer has a share of its campaign's.
order_days as (
  {%- for campaign in ["'(all)'", 'campaign_id'] %}
  select
    date,
    platform,
    account_id,
    {{ campaign }} as order_campaign_id,
    {{ if_all_known(
      'last_non_direct_value_reporting_micros',
      sum_int('last_non_direct_value_reporting_micros')
    ) }} as order_value_micros,
    {{ sum_int('last_non_direct_conversions_micros') }} as orders_micros
  from {{ ref('attribution_touch_daily') }}
  where platform != '(none)'{{ " and date >= cast('" ~ read_from ~ "' as date)" if read_from }}
  group by date, platform, account_id{{ ', campaign_id' if campaign == 'campaign_id' }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

-- How much of a day's conversions has come in after so many days, of what has come in four weeks.
arrived as (
  select
    {%- for age in range(7) %}
    {{ safe_divide(
      'sum(case when lag_days <= ' ~ age ~ ' then last_non_direct_conversions end)',
      'sum(last_non_direct_conversions)'
    ) }} as share_{{ age }},
    {%- endfor %}
    count(*) as lags
  from {{ ref('int_journeys_lags_daily') }}
  where lag_days between 0 and 28{{ " and conversion_date >= cast('" ~ read_from ~ "' as date)" if read_from }}
),

dense as (
  select
    {%- for key in keys %}
    spine.{{ key }},
    {%- endfor %}
    spine.date,
    {{ days_between('spine.first_date', 'spine.date') }} as day_number,
    {%- for measure in sums + ['cost_reporting_micros'] %}
    case when launches.level is null then 0 else launches.{{ measure }} end as {{ measure }},
    {%- endfor %}
    case when order_days.platform is null then 0 else order_days.order_value_micros end
      as order_value_micros,
    coalesce(order_days.orders_micros, 0) as orders_micros,
    case when launches.impressions > 0 or launches.cost_micros > 0 then spine.date end
      as delivered_on,
    launches.began_on,
    arrived.*,
    before.launched_on as launched_before_on,
    kept.last_day as last_kept_day,
    {{ safe_divide('launches.clicks', 'launches.impressions') }} as ctr,
    {{ safe_divide('launches.cost_micros', 'launches.impressions') }} * 1000 as cpm_micros,
    {{ safe_divide('launches.conversion_value * 1000000', 'launches.cost_micros') }} as roas
  from spine
  cross join arrived
  left join launches
    on spine.date = launches.date
    {%- for key in keys %}
    and spine.{{ key }} = launches.{{ key }}
    {%- endfor %}
  left join order_days
    on spine.date = order_days.date
    and spine.platform = order_days.platform
    and spine.account_id = order_days.account_id
    and spine.campaign_id = order_days.order_campaign_id
  left join kept
    on spine.platform = kept.platform
    and spine.account_id = kept.account_id
  left join launched_before as before
    on spine.level = before.level
    {%- for key in keys[1:] %}
    and spine.{{ key }} = before.{{ key }}
    {%- endfor %}
),

windowed as (
  select
    dense.*,
    {%- for days in windows %}
    {%- for measure in ['impressions', 'clicks', 'cost_micros', 'cost_reporting_micros', 'order_value_micros', 'orders_micros'] %}
    cast(sum({{ measure }}) {{ last_days(days) }} as {{ dbt.type_bigint() }})
      as {{ measure }}_{{ days }}d,
    {%- endfor %}
    {%- for measure in ['conversions', 'conversion_value'] %}
    sum({{ measure }}) {{ last_days(days) }} as {{ measure }}_{{ days }}d,
    {%- endfor %}
    {%- endfor %}
    {%- for measure in sums %}
    sum(cast({{ measure }} as {{ type_float64() }})) {{ last_days(7, upto=7) }}
      as {{ measure }}_week_before,
    {%- endfor %}
    count(case when cost_reporting_micros is null or order_value_micros is null then 1 end)
      {{ last_days(28) }} as unknown_28d,
    count(case when cost_micros > 0 then 1 end) {{ last_days(28) }} as days_with_spend_28d,
    max(delivered_on) {{ last_days(63) }} as last_delivered_on,
    max(began_on) over ({{ of_entity() }} rows unbounded preceding) as began_again_on,
    cast(
      sum(cost_micros) over (
        partition by {{ keys | join(', ') }}, {{ month_start('date') }}
        order by date
        rows unbounded preceding
      ) as {{ dbt.type_bigint() }}
    ) as month_cost_micros,
    {% set same_weekday = [] %}
    {%- for days in [6, 13, 20, 27] %}
    {%- do same_weekday.append(days_ago('conversions', days)) %}
    {%- endfor %}
    {{ safe_divide(same_weekday | join(' + '), 'sum(conversions) ' ~ last_days(28)) }} * 7
      as tomorrow_weekday_index,
    {{ daily_slope('roas') }} as roas_slope_14d,
    {{ daily_slope('ctr') }} as ctr_slope_14d,
    {{ daily_slope('cpm_micros') }} as cpm_micros_slope_14d,
    {{ volatility('roas') }} as roas_volatility_14d,
    {{ volatility('cost_micros') }} as cost_volatility_14d,
    {{ volatility('conversions') }} as conversions_volatility_14d,
    {% set matured = [] %}
    {%- for age in range(7) %}
    {%- do matured.append(days_ago('cost_micros', age) ~ ' * share_' ~ age) %}
    {%- endfor %}
    {{ safe_divide(matured | join(' + '), 'sum(cost_micros) ' ~ last_days(7)) }} as maturity_7d
  from dense
),

shared as (
  select
    *,
    case
      when level in ('account', 'campaign') then 1.0
      else {{ safe_divide(
        'conversion_value_28d',
        'sum(conversion_value_28d) over (partition by level, platform, account_id, campaign_id, date)'
      ) }}
    end as order_share,
    {{ safe_divide(
      'cost_micros_28d',
      'sum(cost_micros_28d) over (partition by level, platform, account_id, campaign_id, date)'
    ) }} as share_of_campaign_cost,
    {{ safe_divide(
      'cost_micros_28d',
      'sum(cost_micros_28d) over (partition by level, platform, account_id, date)'
    ) }} as share_of_account_cost
  from windowed
),

compared as (
  select
    *,
    {%- for index, value, cost in [
      ('roas_index_7d', 'conversion_value_7d', 'cost_micros_7d'),
      ('roas_index_28d', 'conversion_value_28d', 'cost_micros_28d'),
      (
        'order_roas_index_28d',
        'order_value_micros_28d * order_share',
        'cost_reporting_micros_28d',
      ),
    ] %}
    {{ safe_divide(
      value ~ ' * sum(' ~ cost ~ ') ' ~ of_level(),
      cost ~ ' * sum(' ~ value ~ ') ' ~ of_level()
    ) }} as {{ index }},
    {%- endfor %}
    case
      when launched_before_on is not null and began_again_on <= last_kept_day
        then launched_before_on
      else began_again_on
    end as launched_on
  from shared
),

settings as (
  select
    'adgroup' as level,
    platform,
    account_id,
    campaign_id,
    adgroup_id,
    effective_from,
    daily_budget_micros,
    learning_phase,
    cast(edited_at as date) as edited_on
  from {{ ref('stg_ads__adgroup_settings') }}
  union all
  select
    'campaign' as level,
    platform,
    account_id,
    campaign_id,
    '(all)' as adgroup_id,
    effective_from,
    daily_budget_micros,
    cast(null as {{ dbt.type_string() }}) as learning_phase,
    cast(null as date) as edited_on
  from {{ ref('stg_ads__campaign_budgets') }}
),

sightings as (
  select
    *,
    case
      when daily_budget_micros != lag(daily_budget_micros) over (
        partition by level, platform, account_id, campaign_id, adgroup_id order by effective_from
      ) then effective_from
    end as budget_changed_on,
    row_number() over (
      partition by level, platform, account_id, campaign_id, adgroup_id order by effective_from
    ) as sighting,
    lead(effective_from) over (
      partition by level, platform, account_id, campaign_id, adgroup_id order by effective_from
    ) as next_effective_from
  from settings
),

-- as int_spend_budget_periods: the first sighting holds for the days before it, too
periods as (
  select
    *,
    case when sighting = 1 then cast('1900-01-01' as date) else effective_from end as valid_from,
    coalesce(next_effective_from, cast('9999-12-31' as date)) as valid_before,
    max(budget_changed_on) over (
      partition by level, platform, account_id, campaign_id, adgroup_id
      order by effective_from
      rows unbounded preceding
    ) as last_changed_on
  from sightings
)

select
  compared.date,
  compared.level,
  compared.platform,
  compared.account_id,
  compared.campaign_id,
  compared.adgroup_id,
  compared.ad_id,
  accounts.currency_code,
  {{ reporting_currency() }} as reporting_currency_code,
  known.known_at,
  coalesce(cast(known.known_at as date) <= {{ add_days('compared.date', 2) }}, false)
    as is_point_in_time,
  compared.impressions,
  compared.clicks,
  compared.cost_micros,
  compared.conversions,
  compared.conversion_value
  {%- for days in windows %},
  compared.cost_micros_{{ days }}d,
  compared.impressions_{{ days }}d,
  compared.clicks_{{ days }}d,
  compared.conversions_{{ days }}d,
  {{ safe_divide('compared.clicks_' ~ days ~ 'd', 'compared.impressions_' ~ days ~ 'd') }}
    as ctr_{{ days }}d,
  {{ safe_divide('compared.conversions_' ~ days ~ 'd', 'compared.clicks_' ~ days ~ 'd') }}
    as cvr_{{ days }}d,
  {{ micros_per('compared.cost_micros_' ~ days ~ 'd', 'compared.clicks_' ~ days ~ 'd') }}
    as cpc_micros_{{ days }}d,
  {{ micros_per('compared.cost_micros_' ~ days ~ 'd', 'compared.impressions_' ~ days ~ 'd', per=1000) }}
    as cpm_micros_{{ days }}d,
  {{ micros_per('compared.cost_micros_' ~ days ~ 'd', 'compared.conversions_' ~ days ~ 'd') }}
    as cac_micros_{{ days }}d,
  {{ safe_divide(
    'compared.conversion_value_' ~ days ~ 'd * 1000000', 'compared.cost_micros_' ~ days ~ 'd'
  ) }} as roas_{{ days }}d,
  case
    when compared.unknown_28d = 0
      then {{ safe_divide(
        'compared.order_value_micros_' ~ days ~ 'd * compared.order_share',
        'compared.cost_reporting_micros_' ~ days ~ 'd'
      ) }}
  end as order_roas_{{ days }}d,
  compared.orders_micros_{{ days }}d / 1000000 * compared.order_share as orders_{{ days }}d
  {%- endfor %},
  {{ safe_divide('compared.conversions_28d', 'compared.orders_micros_28d / 1000000 * compared.order_share') }}
    as claimed_per_order_28d,
  {{ weekly_change('compared.cost_micros_7d', 'compared.cost_micros_week_before') }}
    as cost_change_7d,
  {{ weekly_change('compared.conversions_7d', 'compared.conversions_week_before') }}
    as conversions_change_7d,
  {{ weekly_change(
    safe_divide('compared.clicks_7d', 'compared.impressions_7d'),
    safe_divide('compared.clicks_week_before', 'compared.impressions_week_before')
  ) }} as ctr_change_7d,
  {{ weekly_change(
    safe_divide('compared.cost_micros_7d', 'compared.impressions_7d'),
    safe_divide('compared.cost_micros_week_before', 'compared.impressions_week_before')
  ) }} as cpm_change_7d,
  {{ weekly_change(
    safe_divide('compared.conversion_value_7d', 'compared.cost_micros_7d'),
    safe_divide('compared.conversion_value_week_before', 'compared.cost_micros_week_before')
  ) }} as roas_change_7d,
  compared.roas_index_7d,
  compared.roas_index_28d,
  case when compared.unknown_28d = 0 then compared.order_roas_index_28d end
    as order_roas_index_28d,
  compared.roas_slope_14d,
  compared.ctr_slope_14d,
  compared.cpm_micros_slope_14d,
  compared.roas_volatility_14d,
  compared.cost_volatility_14d,
  compared.conversions_volatility_14d,
  compared.days_with_spend_28d,
  {{ days_between('compared.last_delivered_on', 'compared.date') }} as days_since_delivery,
  compared.launched_on,
  {{ days_between('compared.launched_on', 'compared.date') }} as days_since_launch,
  periods.learning_phase,
  {{ days_since('periods.edited_on', 'compared.date') }} as days_since_edit,
  {{ days_since('periods.last_changed_on', 'compared.date') }} as days_since_budget_change,
  periods.daily_budget_micros,
  {{ safe_divide('compared.cost_micros_7d', 'periods.daily_budget_micros * 7') }}
    as budget_used_7d,
  periods.daily_budget_micros - {{ micros_per('compared.cost_micros_7d', '7') }}
    as budget_headroom_micros,
  compared.month_cost_micros,
  compared.share_of_campaign_cost,
  compared.share_of_account_cost,
  compared.tomorrow_weekday_index,
  compared.maturity_7d
from compared
inner join accounts
  on compared.platform = accounts.platform
  and compared.account_id = accounts.account_id
left join known
  on compared.platform = known.platform
  and compared.account_id = known.account_id
left join periods
  on compared.level = periods.level
  and compared.platform = periods.platform
  and compared.account_id = periods.account_id
  and compared.campaign_id = periods.campaign_id
  and compared.adgroup_id = periods.adgroup_id
  -- a day's delivery is pulled on the morning after it, with what is set by then
  and {{ add_days('compared.date', 1) }} >= periods.valid_from
  and {{ add_days('compared.date', 1) }} < periods.valid_before
where
  (compared.last_kept_day is null or compared.date > compared.last_kept_day)
  and compared.impressions_28d + compared.cost_micros_28d > 0
  and '(none)' not in (compared.campaign_id, compared.adgroup_id, compared.ad_id)
{{ days_together('compared.date') }}
