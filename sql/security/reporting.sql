-- What analysts read: every mart, every table of the jobs and the load ledger, without whose it is. A
-- row that is a person's alone (a visit, a touch, an identifier) is in none; of orders and
-- conversions, the columns that name somebody are left out. An engineer runs it, and again after an
-- upgrade: `SELECT *` is of the columns that there are when a view is made, so one that comes later
-- is shown to nobody until then. tests/unit/test_infra_security.py holds it to models and contracts.

CREATE OR REPLACE VIEW reporting.ab_experiments AS
SELECT *
FROM contracts.ab_experiments;

CREATE OR REPLACE VIEW reporting.ad_features_daily AS
SELECT *
FROM marts.ad_features_daily;

CREATE OR REPLACE VIEW reporting.ad_orders_daily AS
SELECT *
FROM marts.ad_orders_daily;

CREATE OR REPLACE VIEW reporting.ads_account_days AS
SELECT *
FROM marts.ads_account_days;

CREATE OR REPLACE VIEW reporting.ads_account_report AS
SELECT *
FROM marts.ads_account_report;

CREATE OR REPLACE VIEW reporting.ads_ad_report AS
SELECT *
FROM marts.ads_ad_report;

CREATE OR REPLACE VIEW reporting.ads_adgroup_report AS
SELECT *
FROM marts.ads_adgroup_report;

CREATE OR REPLACE VIEW reporting.ads_budget_history AS
SELECT *
FROM marts.ads_budget_history;

CREATE OR REPLACE VIEW reporting.ads_campaign_daily AS
SELECT *
FROM marts.ads_campaign_daily;

CREATE OR REPLACE VIEW reporting.ads_campaign_report AS
SELECT *
FROM marts.ads_campaign_report;

CREATE OR REPLACE VIEW reporting.attribution_channel_weekly AS
SELECT *
FROM contracts.attribution_channel_weekly;

CREATE OR REPLACE VIEW reporting.attribution_reconciled_daily AS
SELECT *
FROM contracts.attribution_reconciled_daily;

CREATE OR REPLACE VIEW reporting.attribution_touch_daily AS
SELECT *
FROM marts.attribution_touch_daily;

CREATE OR REPLACE VIEW reporting.audience_findings AS
SELECT *
FROM contracts.audience_findings;

CREATE OR REPLACE VIEW reporting.bandit_decisions AS
SELECT *
FROM contracts.bandit_decisions;

CREATE OR REPLACE VIEW reporting.budget_state_monthly AS
SELECT *
FROM contracts.budget_state_monthly;

CREATE OR REPLACE VIEW reporting.builds AS
SELECT *
FROM contracts.builds;

CREATE OR REPLACE VIEW reporting.creative_fatigue AS
SELECT *
FROM contracts.creative_fatigue;

CREATE OR REPLACE VIEW reporting.creative_features AS
SELECT *
FROM contracts.creative_features;

CREATE OR REPLACE VIEW reporting.creative_recommendations AS
SELECT *
FROM contracts.creative_recommendations;

CREATE OR REPLACE VIEW reporting.customer_acquisition_daily AS
SELECT *
FROM marts.customer_acquisition_daily;

CREATE OR REPLACE VIEW reporting.dim_adgroup AS
SELECT *
FROM marts.dim_adgroup;

CREATE OR REPLACE VIEW reporting.dim_audience AS
SELECT *
FROM marts.dim_audience;

CREATE OR REPLACE VIEW reporting.dim_campaign AS
SELECT *
FROM marts.dim_campaign;

CREATE OR REPLACE VIEW reporting.dim_creative AS
SELECT *
FROM marts.dim_creative;

CREATE OR REPLACE VIEW reporting.experiment_variations AS
SELECT *
FROM marts.experiment_variations;

CREATE OR REPLACE VIEW reporting.experiments AS
SELECT *
FROM marts.experiments;

CREATE OR REPLACE VIEW reporting.fct_ad_spend_by_ad_daily AS
SELECT *
FROM marts.fct_ad_spend_by_ad_daily;

CREATE OR REPLACE VIEW reporting.fct_ad_spend_daily AS
SELECT *
FROM marts.fct_ad_spend_daily;

CREATE OR REPLACE VIEW reporting.fct_conversions AS
SELECT * EXCEPT (person_id, client_key, lead_id, gclid, fbclid, ttclid, li_fat_id)
FROM marts.fct_conversions;

CREATE OR REPLACE VIEW reporting.fct_orders AS
SELECT * EXCEPT (person_id, person_method, gclid, fbclid, ttclid, li_fat_id)
FROM marts.fct_orders;

CREATE OR REPLACE VIEW reporting.fct_refunds AS
SELECT *
FROM marts.fct_refunds;

CREATE OR REPLACE VIEW reporting.fidelity_evaluations AS
SELECT *
FROM contracts.fidelity_evaluations;

CREATE OR REPLACE VIEW reporting.fx_rates_daily AS
SELECT *
FROM marts.fx_rates_daily;

CREATE OR REPLACE VIEW reporting.ga4_daily AS
SELECT *
FROM marts.ga4_daily;

CREATE OR REPLACE VIEW reporting.ga4_lagged_daily AS
SELECT *
FROM marts.ga4_lagged_daily;

CREATE OR REPLACE VIEW reporting.google_ads_ad_daily AS
SELECT *
FROM marts.google_ads_ad_daily;

CREATE OR REPLACE VIEW reporting.google_ads_campaign_daily AS
SELECT *
FROM marts.google_ads_campaign_daily;

CREATE OR REPLACE VIEW reporting.interest_clusters AS
SELECT *
FROM contracts.interest_clusters;

CREATE OR REPLACE VIEW reporting.job_runs AS
SELECT *
FROM contracts.job_runs;

CREATE OR REPLACE VIEW reporting.journey_paths_daily AS
SELECT *
FROM marts.journey_paths_daily;

CREATE OR REPLACE VIEW reporting.journey_paths_weekly AS
SELECT *
FROM marts.journey_paths_weekly;

CREATE OR REPLACE VIEW reporting.journey_transitions_daily AS
SELECT *
FROM marts.journey_transitions_daily;

CREATE OR REPLACE VIEW reporting.linkedin_ads_ad_daily AS
SELECT *
FROM marts.linkedin_ads_ad_daily;

CREATE OR REPLACE VIEW reporting.linkedin_ads_campaign_daily AS
SELECT *
FROM marts.linkedin_ads_campaign_daily;

CREATE OR REPLACE VIEW reporting.load_ledger AS
SELECT *
FROM raw.load_ledger;

CREATE OR REPLACE VIEW reporting.marketing_performance_daily AS
SELECT *
FROM marts.marketing_performance_daily;

CREATE OR REPLACE VIEW reporting.media_plan_pacing AS
SELECT *
FROM contracts.media_plan_pacing;

CREATE OR REPLACE VIEW reporting.media_plans AS
SELECT *
FROM marts.media_plans;

CREATE OR REPLACE VIEW reporting.meta_ads_ad_daily AS
SELECT *
FROM marts.meta_ads_ad_daily;

CREATE OR REPLACE VIEW reporting.meta_ads_campaign_daily AS
SELECT *
FROM marts.meta_ads_campaign_daily;

CREATE OR REPLACE VIEW reporting.mmm_allocations AS
SELECT *
FROM contracts.mmm_allocations;

CREATE OR REPLACE VIEW reporting.mmm_certificates AS
SELECT *
FROM contracts.mmm_certificates;

CREATE OR REPLACE VIEW reporting.mmm_contributions_weekly AS
SELECT *
FROM contracts.mmm_contributions_weekly;

CREATE OR REPLACE VIEW reporting.mmm_controls_weekly AS
SELECT *
FROM marts.mmm_controls_weekly;

CREATE OR REPLACE VIEW reporting.mmm_curves AS
SELECT *
FROM contracts.mmm_curves;

CREATE OR REPLACE VIEW reporting.mmm_diagnostics AS
SELECT *
FROM contracts.mmm_diagnostics;

CREATE OR REPLACE VIEW reporting.mmm_input_weekly AS
SELECT *
FROM marts.mmm_input_weekly;

CREATE OR REPLACE VIEW reporting.mmm_predictions_weekly AS
SELECT *
FROM contracts.mmm_predictions_weekly;

CREATE OR REPLACE VIEW reporting.pacing_alerts AS
SELECT *
FROM contracts.pacing_alerts;

CREATE OR REPLACE VIEW reporting.pacing_daily AS
SELECT *
FROM contracts.pacing_daily;

CREATE OR REPLACE VIEW reporting.policy_hints AS
SELECT *
FROM contracts.policy_hints;

CREATE OR REPLACE VIEW reporting.rules_allocations AS
SELECT *
FROM contracts.rules_allocations;

CREATE OR REPLACE VIEW reporting.safety_events AS
SELECT *
FROM contracts.safety_events;

CREATE OR REPLACE VIEW reporting.segment_scores_daily AS
SELECT *
FROM contracts.segment_scores_daily;

CREATE OR REPLACE VIEW reporting.tiktok_ads_ad_daily AS
SELECT *
FROM marts.tiktok_ads_ad_daily;

CREATE OR REPLACE VIEW reporting.tiktok_ads_campaign_daily AS
SELECT *
FROM marts.tiktok_ads_campaign_daily;

CREATE OR REPLACE VIEW reporting.uplift_segment_daily AS
SELECT *
FROM contracts.uplift_segment_daily;
