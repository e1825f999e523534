"""Evidence for the further kinds, in the small warehouse of ledger_rows."""

from __future__ import annotations

from datetime import date

from pipelines.warehouse import Statement, Warehouse
from tests.unit.ledger_rows import NOW, insert


def job_passed(warehouse: Warehouse, job: str) -> None:
    insert(
        warehouse,
        "contracts.job_runs",
        job=job,
        verdict="PASS",
        reason="ok",
        settings="{}",
        diagnostics="{}",
        finished_at=NOW,
    )


def an_ad_group_to_split(warehouse: Warehouse) -> None:
    """Ads x and y of ad group 7 of m1: x is to get most, and predictions held."""
    job_passed(warehouse, "bandits")
    insert(
        warehouse,
        "contracts.fidelity_evaluations",
        job="bandits",
        quantity="conversions of ads",
        basis="predictions",
        predictions=28,
        mape=0.05,
        max_mape=0.5,
        max_bias=0.05,
        ks=0.1,
        max_ks=0.35,
        coverage_80=0.8,
        verdict="PASS",
        reason="they held",
    )
    for ad, share in (("x", 0.81), ("y", 0.19)):
        insert(
            warehouse,
            "contracts.bandit_decisions",
            date=date(2026, 7, 1),
            platform="meta_ads",
            account_id="a",
            campaign_id="m1",
            arm_kind="creative",
            adgroup_id="7",
            ad_id=ad,
            context="all",
            policy="thompson",
            verdict="PASS",
            reason="ok",
            current_share=0.5,
            best_probability=share,
            exploration_floor=0.05,
            propensity=share,
            spend_micros=round(share * 100_000_000),
            spend_floor_micros=0,
            spend_cap_micros=100_000_000,
            within_cac_ceiling=True,
            freshness=1.0,
            posterior_conversions=50.0,
            currency_code="USD",
            effective_conversions=80.0,
            policy_cac_micros=20_000_000,
            policy_cac_low_micros=17_000_000,
            policy_cac_high_micros=23_000_000,
            logged_cac_micros=25_000_000,
        )
    names = ", ".join(
        f"('meta_ads', 'a', DATE '2026-06-30', 'm1', '7', 'Shoes', '{ad}', 'Ad {ad}')"
        for ad in ("x", "y")
    )
    _execute(warehouse, f"INSERT INTO marts.ads_ad_report VALUES {names}")


def a_segment_to_test(warehouse: Warehouse) -> None:
    """New people on phones, whom ads of Paid Social move."""
    job_passed(warehouse, "uplift")
    for segment, people, (low, middle, high) in (
        ("everybody", 5_000, (0.002, 0.004, 0.006)),
        ("mobile · new", 2_000, (0.01, 0.02, 0.03)),
    ):
        insert(
            warehouse,
            "contracts.uplift_segment_daily",
            experiment_id="ads: Paid Social",
            variation_id="touched",
            control_variation_id="untouched",
            outcome="purchase",
            verdict="PASS",
            basis="propensity_weighted",
            e_value=1.8,
            segment=segment,
            treated=people,
            control=people,
            control_rate=0.02,
            uplift=middle,
            uplift_low=low,
            uplift_high=high,
            q_value=0.01,
            is_discovery=True,
        )


def a_worn_ad_and_a_trait(warehouse: Warehouse) -> None:
    """Ad x of ad group 7 of m1 is worn out beside two others; ads that ask did better."""
    job_passed(warehouse, "creatives")
    for ad, verdict, chance in (("x", "FATIGUED", 0.98), ("y", "FRESH", 0.1)):
        insert(
            warehouse,
            "contracts.creative_fatigue",
            platform="meta_ads",
            account_id="a",
            campaign_id="m1",
            adgroup_id="7",
            ad_id=ad,
            verdict=verdict,
            age_days=80,
            impressions=900_000,
            freshness=0.3,
            freshness_low=0.2,
            freshness_high=0.45,
            days_left=0.0,
            days_left_low=0.0,
            days_left_high=0.0,
            worn_chance=chance,
            by_impressions=0.4,
            others=2,
            gain_low=0.3,
            gain=0.5,
            gain_high=0.8,
            conversions=120.0,
            weekly_conversions=40.0,
            is_creative_known=True,
            daily_cost_micros=50_000_000,
            currency_code="USD",
            reason="it is worn out",
        )
    insert(
        warehouse,
        "contracts.creative_recommendations",
        trait="text_headline_question",
        feature="text_headline_question",
        meaning="the headline asks",
        verdict="TRY",
        ads_with=30,
        ads=80,
        prevalence=0.4,
        return_ratio=1.6,
        return_ratio_low=1.3,
        return_ratio_high=2.0,
        lift=2.5,
        p_value=0.0001,
        q_value=0.01,
        together_with="",
        example_ad_ids="x",
        advice="Try: the headline asks.",
    )


def ad_sets_to_fund(warehouse: Warehouse, currency: str = "USD") -> None:
    """Ad sets good and bad of m1, which the rules would raise and cut.

    Args:
        currency: of what they are seen to be set to; the rules knew dollars.
    """
    job_passed(warehouse, "rules")
    for name, before, after in (("good", 100, 114), ("bad", 200, 160)):
        budget, proposed = before * 1_000_000, after * 1_000_000
        insert(
            warehouse,
            "contracts.rules_allocations",
            date=date(2026, 7, 1),
            platform="meta_ads",
            account_id="a",
            campaign_id="m1",
            adgroup_id=name,
            direction="RAISED" if after > before else "CUT",
            budget_micros=budget,
            after_safety_micros=budget,
            after_decision_micros=proposed,
            proposed_micros=proposed,
            currency_code="USD",
            rules="[]",
            reason="So.",
        )
        _execute(
            warehouse,
            f"INSERT INTO marts.dim_adgroup VALUES ('meta_ads', 'a', 'm1', '{name}', "
            f"'Set {name}', 'ENABLED', {budget}, '{currency}')",
        )


def curves(warehouse: Warehouse) -> None:
    """The media mix's present response of both channels."""
    for channel in ("google_ads", "meta_ads"):
        insert(
            warehouse,
            "contracts.mmm_curves",
            channel=channel,
            horizon_weeks=0,
            point=10,
            weekly_spend_micros=7_000_000_000,
            orders_p10=150.0,
            orders_p50=200.0,
            orders_p90=250.0,
            marginal_orders_p10=0.010,
            marginal_orders_p50=0.015,
            marginal_orders_p90=0.020,
            marginal_cac_micros_p10=50_000_000,
            marginal_cac_micros_p50=66_000_000,
            marginal_cac_micros_p90=100_000_000,
            is_current=True,
            currency_code="USD",
        )


def credited(warehouse: Warehouse, **orders: int) -> None:
    """Orders that journeys credit campaigns with, each for 10,000 dollars of May."""
    platforms = {"g1": ("google_ads", "g"), "m1": ("meta_ads", "a"), "m2": ("meta_ads", "a")}
    rows = ", ".join(
        f"(DATE '2026-05-20', '{platforms[c][0]}', '{platforms[c][1]}', '{c}', 'USD', "
        f"10000000000, {count * 1_000_000})"
        for c, count in orders.items()
    )
    _execute(warehouse, f"INSERT INTO marts.attribution_touch_daily VALUES {rows}")


def set_status(warehouse: Warehouse, campaign: str, status: str) -> None:
    """What landing shows of a campaign."""
    _execute(
        warehouse,
        f"UPDATE marts.dim_campaign SET campaign_status = '{status}' "
        f"WHERE campaign_id = '{campaign}'",
    )


def no_alerts(warehouse: Warehouse) -> None:
    _execute(warehouse, "DELETE FROM contracts.pacing_alerts WHERE TRUE")


def _execute(warehouse: Warehouse, sql: str) -> None:
    warehouse.transaction([Statement(sql)], label="test")
