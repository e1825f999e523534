{# Rule-based attribution. Credits are integers, millionths of a conversion and of its value, and a
   conversion's credits sum to it exactly: what a touch gets is the difference of two roundings of
   what the touches up to it get together. #}
{% macro attribution_models() -%}
  {{ return(['first_touch', 'last_touch', 'last_non_direct', 'linear', 'position_based', 'time_decay']) }}
{%- endmacro %}

{# Days before a conversion in which a touch takes part in its credit, and in which ga4_lagged_daily
   and the journey_paths tables follow touches. #}
{% macro lookback_days() -%}{{ return(var('attribution_lookback_days', 30) | int) }}{%- endmacro %}
{% macro lag_days() -%}{{ return([var('lag_days', 90) | int, lookback_days()] | max) }}{%- endmacro %}

{# Tables whose restated days change journeys. #}
{% macro journey_tables() -%}
  {{ return(touch_tables() + ['raw.orders', 'raw.crm_opportunities', moved_transactions()]) }}
{%- endmacro %}
{% macro touch_tables() -%}
  {{ return(['raw.ga4_events', 'raw.server_events', 'raw.crm_leads', 'raw.ads_clicks']) }}
{%- endmacro %}

{# A touch's weight before it is made a share. Columns: position (1 the first) of touches in the
   journey, is_last_non_direct, and lag_micros before the conversion. Position-based is 40/20/40,
   half and half of two; time decay halves every 7 days. #}
{% macro attribution_weight(model) -%}
  {%- if model == 'first_touch' -%}
    case when position = 1 then 1.0 else 0.0 end
  {%- elif model == 'last_touch' -%}
    case when position = touches then 1.0 else 0.0 end
  {%- elif model == 'last_non_direct' -%}
    case when is_last_non_direct then 1.0 else 0.0 end
  {%- elif model == 'linear' -%}
    1.0
  {%- elif model == 'position_based' -%}
    case
      when touches <= 2 then 1.0
      when position in (1, touches) then 0.4
      else {{ safe_divide('0.2', 'touches - 2') }}
    end
  {%- elif model == 'time_decay' -%}
    pow(2.0, -cast(lag_micros as {{ type_float64() }}) / 604800000000)
  {%- endif -%}
{%- endmacro %}
