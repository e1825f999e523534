"""Ad sets' budgets are proposed as the rules decide: within the caps, paid for by cuts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import DecisionRefused
from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import decide
from pipelines.proposals.events import SERVICE
from pipelines.proposals.evidence import JobEvidence, Response
from pipelines.proposals.kinds import adset_budget
from pipelines.proposals.kinds.adset_budget import AdSet, Inputs
from pipelines.proposals.kinds.base import Drafted, Stamp
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Interval
from pipelines.proposals.propose import propose
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.verify import verify
from tests.unit.kind_rows import ad_sets_to_fund, curves
from tests.unit.ledgers import ANN, fresh, in_force, terms

AS_OF = date(2026, 6, 30)
STAMP = Stamp(AS_OF, datetime(2026, 7, 8, tzinfo=UTC), "ann")
CAPS = GuardrailSettings(cac_ceiling_micros=80_000_000)
RULES = JobEvidence("rules", "r1", AS_OF, "PASS", "")
MMM = JobEvidence("mmm", "m1", AS_OF, "PASS", "")
CAMPAIGN = Campaign("meta_ads", "a", "c", "Sales", "ENABLED", None, "USD", AS_OF)


def usd(amount: float) -> Money:
    return Money(round(amount * 100) * 10_000, "USD")


def ad_set(name: str, before: float, after: float, present: float | None = None) -> AdSet:
    seen = usd(before if present is None else present)
    return AdSet(CAMPAIGN.key, name, f"Set {name}", "ENABLED", usd(before), usd(after), seen, "So.")


GOOD, BAD = ad_set("good", 100, 114), ad_set("bad", 200, 160)


def draft(*ad_sets: AdSet, rules: JobEvidence | None = RULES) -> Drafted:
    inputs = Inputs(
        rules=rules,
        ad_sets=ad_sets,
        mmm=MMM,
        responses={"meta_ads": Response("meta_ads", usd(3_500), Interval(100, 110, 120), 0.9)},
        order_values={"meta_ads": usd(80)},
    )
    whole = Money(sum(a.budget.micros for a in ad_sets), "USD")
    market = Market(AS_OF, Rates("USD", AS_OF, {}), (replace(CAMPAIGN, daily_budget=whole),), {})
    return adset_budget.KIND.draft(market, inputs, CAPS, STAMP)


def test_a_raise_is_as_long_as_the_cap_lets_it_and_a_cut_pays_for_it() -> None:
    good, bad = draft(GOOD, BAD).proposals
    assert (good.target.part, good.change.to_value) == ("ad_group:good", "105000000")
    assert (bad.target.part, bad.change.to_value) == ("ad_group:bad", "195000000")
    assert good.delta + bad.delta == usd(0)
    assert (good.verdict, bad.verdict) == ("PASS", "PASS")
    assert good.effect.orders is not None
    assert good.effect.orders.p50 > 0
    described = adset_budget.KIND.describe(StoredProposal.fresh(good))
    assert described.change == 'ad set "Set good" (id good): 100.00 USD → 105.00 USD a day (+5.0%)'
    assert "adcanary rules explain --ad-set good --as-of 2026-06-30" in described.evidence[1]
    assert 'Open its ad set "Set good" (id good).' in (good.operation or "")


def test_nothing_is_proposed_where_nothing_pays() -> None:
    drafted = draft(GOOD, ad_set("other", 100, 110))
    assert drafted.proposals == ()
    assert "don't meet" in drafted.refused[0]


def test_an_ad_set_whose_budget_has_changed_since_waits_for_the_rules() -> None:
    changed = ad_set("good", 100, 114, present=120)
    drafted = draft(changed, BAD)
    assert drafted.proposals == ()
    assert "was 100.00 USD when the rules ran and is 120.00 USD" in drafted.refused[0]


def test_an_ad_set_that_is_paused_is_left_alone() -> None:
    drafted = draft(replace(GOOD, status="PAUSED"), BAD)
    assert drafted.proposals == ()
    assert "good doesn't run" in drafted.refused[0]


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (None, "rules has no run"),
        (replace(RULES, verdict="INCONCLUSIVE", reason="All is frozen."), "All is frozen."),
    ],
)
def test_without_a_run_that_passed_nothing_is_proposed(rules: JobEvidence | None, why: str) -> None:
    drafted = draft(GOOD, BAD, rules=rules)
    assert drafted.proposals == ()
    assert why in drafted.refused[0]


@given(
    st.lists(st.tuples(st.integers(100, 1_000_000), st.floats(0.5, 1.5)), min_size=2, max_size=6)
)
def test_an_account_never_spends_more_and_no_step_is_longer_than_the_cap(
    budgets: list[tuple[int, float]],
) -> None:
    ad_sets = [ad_set(str(n), cents / 100, cents / 100 * f) for n, (cents, f) in enumerate(budgets)]
    deltas = adset_budget._deltas(ad_sets, CAPS)
    assert sum(d.micros for d in deltas.values()) <= 0
    for one in ad_sets:
        assert abs(deltas[one.adgroup_id].micros) <= one.budget.micros * 0.05 + 1
        assert deltas[one.adgroup_id].micros % 10_000 == 0


def test_yen_are_whole() -> None:
    ad_sets = [
        replace(one, budget=Money(before, "JPY"), proposed=Money(after, "JPY"))
        for one, before, after in (
            (GOOD, 10_010_000_000, 11_000_000_000),
            (BAD, 10_030_000_000, 9_000_000_000),
        )
    ]
    deltas = adset_budget._deltas(ad_sets, CAPS)
    assert deltas["good"] == Money(500_000_000, "JPY")
    assert sum(d.micros for d in deltas.values()) <= 0
    assert all(d.micros % 1_000_000 == 0 for d in deltas.values())


@pytest.mark.slow
def test_a_raise_is_recorded_only_after_the_cut_that_pays_for_it(tmp_path: Path) -> None:
    ledger = fresh(tmp_path)
    ad_sets_to_fund(ledger.warehouse)
    curves(ledger.warehouse)
    in_force(ledger, terms())
    propose(ledger, terms(), created_by=SERVICE.name)
    ids = {
        p.target.part: p.proposal_id for p in ledger.read().proposals if p.kind == "adset_budget"
    }
    later = terms(minutes=1)
    with pytest.raises(DecisionRefused, match="the approved cuts of its account"):
        decide.approve(ledger, later, ids["ad_group:good"], ANN)
    for part in ("ad_group:bad", "ad_group:good"):
        assert decide.approve(ledger, later, ids[part], ANN).state == State.SHADOW_RECORDED
    with pytest.raises(DecisionRefused, match="need what it releases"):
        decide.decide(ledger, later, ids["ad_group:bad"], Action.REVOKE, ANN, comment="back")
    verify(ledger)


@pytest.mark.slow
def test_a_budget_of_the_same_figure_in_another_currency_waits_for_the_rules(
    tmp_path: Path,
) -> None:
    ledger = fresh(tmp_path)
    ad_sets_to_fund(ledger.warehouse, currency="EUR")
    in_force(ledger, terms())
    proposed = propose(ledger, terms(), created_by=SERVICE.name)
    assert {p.kind for p in ledger.read().proposals} == {"budget_shift", "pause"}
    assert any("was 100.00 USD when the rules ran and is 100.00 EUR" in r for r in proposed.refused)
