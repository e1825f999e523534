{# The currency that amounts of all accounts and shops are told in: `reporting_currency` in
   adcanary.yaml, as a literal. #}
{% macro reporting_currency() -%}
  '{{ var("reporting_currency") }}'
{%- endmacro %}

{# An amount in micros in the reporting currency, rounded half away from zero. The reporting
   currency itself needs no rate and stays exact; nothing is nothing in every currency; NULL where
   the rate is. #}
{% macro to_reporting_micros(micros, currency_code, rate) -%}
  case
    when {{ currency_code }} = {{ reporting_currency() }} or {{ micros }} = 0 then {{ micros }}
    else cast(round({{ micros }} * {{ rate }}) as {{ dbt.type_bigint() }})
  end
{%- endmacro %}

{# As to_reporting_micros, for a float in currency units. #}
{% macro to_reporting_value(amount, currency_code, rate) -%}
  case
    when {{ currency_code }} = {{ reporting_currency() }} or {{ amount }} = 0 then {{ amount }}
    else {{ amount }} * {{ rate }}
  end
{%- endmacro %}

{# Whether the amounts of some rows are in one currency. `where` is the rows that have an amount; one
   whose currency is not known is in a currency of its own. #}
{% macro is_one_currency(currency_code, where) -%}
  count(distinct case when {{ where }} then coalesce({{ currency_code }}, '(not set)') end) <= 1
{%- endmacro %}

{# Which currency that is: NULL where none is known, '(mixed)' where there are several. #}
{% macro one_currency(currency_code, where) -%}
  case
    when {{ is_one_currency(currency_code, where) }}
      then max(case when {{ where }} then {{ currency_code }} end)
    else '(mixed)'
  end
{%- endmacro %}

{# Stops a run that would put two reporting currencies into one table, or beside each other in a
   view: rows that are not rebuilt keep the currency they were built in. It looks at the days around
   those that the run rebuilds, and at the last month that was published. #}
{% macro refuse_another_reporting_currency() %}
  {%- set ledger = source('raw', 'load_ledger') -%}
  {%- if execute and is_incremental() -%}
    {%- set fix = "Rebuild every day in it: `adcanary build --full-refresh`." -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
    {%- if 'reporting_currency_code' not in columns -%}
      {{ exceptions.raise_compiler_error(
        this.identifier ~ " was built before it had a reporting currency. " ~ fix
      ) }}
    {%- endif -%}
    {%- set month, spans = modules.datetime.timedelta(days=31), [] -%}
    {%- for first, last in _restated_spans(ledger) -%}
      {%- do spans.append((first - month, last + month)) -%}
    {%- endfor -%}
    {%- set since_ever = instant(modules.datetime.datetime(1970, 1, 2)) -%}
    {%- for _, last in _published_spans(config.get('meta')['by_day'], ledger, since_ever)[-1:] -%}
      {%- do spans.append((last - month, last)) -%}
    {%- endfor -%}
    {%- set found = run_query(
      "select max(reporting_currency_code) from " ~ this ~ " where " ~ _within('date', spans)
      ~ " and reporting_currency_code != " ~ reporting_currency()
    ).rows[0][0] -%}
    {%- if found is not none -%}
      {{ exceptions.raise_compiler_error(
        this.identifier ~ " holds amounts in " ~ found ~ ", and reporting_currency is now "
        ~ var('reporting_currency') ~ ". " ~ fix
      ) }}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}
