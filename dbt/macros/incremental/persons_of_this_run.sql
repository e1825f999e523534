{# int_journeys_persons knows the identifiers of the days that its own run reads: another run's models
   would follow journeys of people it does not know, and remember the days as built. #}
{% macro refuse_persons_of_another_run() %}
  {%- if execute and flags.WHICH in ('build', 'run') and model.resource_type == 'model' -%}
    {%- set built = run_query(
      "select count(*) from " ~ _model_builds() ~ " where model = 'intermediate.int_journeys_persons'"
      ~ " and started_at = " ~ instant(run_started_at)
    ).rows[0][0] -%}
    {%- if not built -%}
      {% do exceptions.raise_compiler_error(
        "int_journeys_persons was not built in this run, which " ~ this ~ " needs. Kept: the table is "
        ~ "as it was. Fix: build without a selection, or select int_journeys_persons+."
      ) %}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}
