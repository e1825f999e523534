{# Credits of every rule sum to the conversions of the day and their value by currency, exactly; where
   values are not known, to how many those are. Gives the days on which they don't. #}
{% test credits_sum_to_conversions(model) %}
{%- set rebuilt -%}
  {{ rebuilt_last(graph.nodes['model.' ~ project_name ~ '.int_journeys_attribution_daily'], 'conversion_date') if execute }}
{%- endset -%}
with credits as (
  select
    conversion_date,
    currency_code
    {%- for rule in attribution_models() %},
    sum({{ rule }}_conversions_micros) as {{ rule }}_conversions_micros,
    sum({{ rule }}_unvalued_conversions_micros) as {{ rule }}_unvalued_micros,
    sum({{ rule }}_value_micros) as {{ rule }}_value_micros
    {%- endfor %}
  from {{ model }}
  group by conversion_date, currency_code
),

conversions as (
  select
    conversion_date,
    coalesce(currency_code, '(not set)') as currency_code,
    count(*) * 1000000 as conversions_micros,
    {{ count_where('value_micros - refunded_micros is null') }} * 1000000 as unvalued_micros,
    sum(value_micros - refunded_micros) as value_micros
  from {{ ref('int_journeys_conversions') }}
  where conversion_type in ('{{ var('attributed_conversion_types', ['purchase']) | join("', '") }}')
    and {{ rebuilt or 'true' }}
    and conversion_date in (select conversion_date from credits)
  group by 1, 2
)

select
  credits.*,
  conversions.conversions_micros,
  conversions.unvalued_micros,
  conversions.value_micros
from credits
left join conversions
  on credits.conversion_date = conversions.conversion_date
  and credits.currency_code = conversions.currency_code
where
  {%- for rule in attribution_models() %}
  coalesce(conversions.conversions_micros, -1) != credits.{{ rule }}_conversions_micros
  or coalesce(conversions.unvalued_micros, -1) != credits.{{ rule }}_unvalued_micros
  or (
    conversions.unvalued_micros = 0
    and coalesce(conversions.value_micros != credits.{{ rule }}_value_micros, true)
  )
  {{- ' or' if not loop.last }}
  {%- endfor %}
{% endtest %}

{# Cost by account, campaign, currency and day is the books' cost, to the micro, on the days that
   the run rebuilds in the books. #}
{% test cost_sums_to_the_books(model) %}
with here as (
  select date, platform, account_id, campaign_id, currency_code, sum(cost_micros) as total_micros
  from {{ model }}
  where {{ restated_since('fct_ad_spend_daily', 'date') }}
  group by date, platform, account_id, campaign_id, currency_code
  having sum(cost_micros) != 0
),

books as (
  select date, platform, account_id, campaign_id, currency_code, sum(cost_micros) as total_micros
  from {{ ref('fct_ad_spend_daily') }}
  where {{ restated_since('fct_ad_spend_daily', 'date') }}
  group by date, platform, account_id, campaign_id, currency_code
  having sum(cost_micros) != 0
)

select coalesce(here.date, books.date) as date, here.total_micros, books.total_micros as books_micros
from here
full outer join books
  on here.date = books.date
  and here.platform = books.platform
  and here.account_id = books.account_id
  and here.campaign_id = books.campaign_id
  and here.currency_code = books.currency_code
where coalesce(here.total_micros, 0) != coalesce(books.total_micros, 0)
{% endtest %}

{# A column of a view or a staging model holds one of some values, on the days that the run
   rebuilds in the table `restated_with`, which is built by day; without a day, only where the run
   rebuilds all of them. NULL passes. #}
{% test accepted_values_of_restated_days(model, column_name, values, restated_with, day=none) %}
select {{ column_name }}, count(*) as row_count
from {{ model }}
where {{ restated_since(restated_with, day) }}
  and {{ column_name }} not in ('{{ values | join("', '") }}')
group by {{ column_name }}
{% endtest %}

{# A week has the journeys of its days, each once, in what it names and in (other). Gives the weeks
   that don't. #}
{% test weeks_sum_to_days(model) %}
with weeks as (
  select
    week_start,
    {{ sum_int('conversions') }} as conversions,
    {{ sum_int('non_conversions') }} as non_conversions
  from {{ model }}
  where {{ restated_since('int_journeys_paths_weekly', 'week_start') }}
  group by week_start
),

days as (
  select
    {{ week_start('date') }} as week_start,
    {{ sum_int('conversions') }} as conversions,
    {{ sum_int('non_conversions') }} as non_conversions
  from {{ ref('journey_paths_daily') }}
  where {{ restated_since('int_journeys_paths_weekly', 'date') }}
  group by week_start
)

select week_start, weeks.conversions, days.conversions as conversions_of_days
from weeks
full outer join days using (week_start)
where
  weeks.conversions is distinct from days.conversions
  or weeks.non_conversions is distinct from days.non_conversions
{% endtest %}
