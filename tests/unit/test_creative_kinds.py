"""A worn-out ad is proposed to be paused, and a trait that goes with return to be tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.proposals import decide
from pipelines.proposals.events import SERVICE
from pipelines.proposals.kinds import creative_rotate, creative_test, kind_of
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.verify import verify
from tests.unit.kind_rows import a_worn_ad_and_a_trait, curves
from tests.unit.ledgers import ANN, execute, fresh, in_force, terms

pytestmark = pytest.mark.slow


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = fresh(tmp_path)
    a_worn_ad_and_a_trait(made.warehouse)
    curves(made.warehouse)
    in_force(made, terms())
    return made


def drafted(ledger: Ledger) -> tuple[dict[str, StoredProposal], tuple[str, ...]]:
    """The two kinds' proposals, and everything that was refused."""
    made = propose(ledger, terms(), created_by=SERVICE.name)
    kinds = {"creative_rotate", "creative_test"}
    return {p.kind: p for p in ledger.read().proposals if p.kind in kinds}, made.refused


def test_a_worn_ad_is_to_be_paused_and_spends_no_more(ledger: Ledger) -> None:
    stored = drafted(ledger)[0]["creative_rotate"]
    assert stored.target.part == "ad:x"
    assert (stored.current_value, stored.proposed_value) == ("ENABLED", "PAUSED")
    assert stored.delta.micros == 0
    assert {c.verdict for c in stored.certificate()} == {"PASS"}
    effect = stored.effect()
    assert effect.orders is not None
    # 350 USD a week are a twentieth of what the curve has 150 to 250 orders for
    assert effect.orders.p50 == pytest.approx(200 / 20 * 0.5, rel=0.01)
    assert effect.orders.p10 == pytest.approx(150 / 20 * 0.3, rel=0.01)
    assert "Set the status of its ad id x from On to Off." in (stored.operation or "")
    said = kind_of(stored.kind).describe(stored)
    assert "30% (20% to 45%) of what it brought when new" in said.evidence[0]


def test_a_trait_is_to_be_tested_in_halves_for_as_long_as_it_takes(ledger: Ledger) -> None:
    stored = drafted(ledger)[0]["creative_test"]
    assert stored.target.campaign_id == "m1"
    setting = json.loads(stored.proposed_value)
    assert setting == {"split_percent": 50.0, "trait": "text_headline_question", "weeks": 2}
    assert stored.delta.micros == 0
    assert {c.verdict for c in stored.certificate()} == {"PASS"}
    said = kind_of(stored.kind).describe(stored)
    assert said.evidence[0].endswith("Try: the headline asks.")
    assert "not in a test" in said.evidence[1]


@pytest.mark.parametrize("kind", ["creative_rotate", "creative_test"])
def test_what_is_approved_is_recorded_with_its_way_back(ledger: Ledger, kind: str) -> None:
    stored = drafted(ledger)[0][kind]
    decision = decide.approve(ledger, terms(minutes=1), stored.proposal_id, ANN)
    assert decision.state == State.SHADOW_RECORDED
    (change,) = ledger.records().changes
    assert change["operation"] == stored.operation
    assert change["rollback_operation"] == stored.rollback_operation
    verify(ledger)


def test_the_only_ad_of_its_group_is_refused_with_what_to_do(ledger: Ledger) -> None:
    execute(
        ledger,
        "UPDATE contracts.creative_fatigue SET others = 0, gain = NULL, gain_low = NULL, "
        "gain_high = NULL WHERE TRUE",
    )
    made, refused = drafted(ledger)
    assert "creative_rotate" not in made
    assert any("give the group a new ad, and pause this one" in why for why in refused)


@pytest.mark.parametrize(
    ("changed", "kind", "guardrail"),
    [
        ("creative_fatigue SET gain_low = -0.1", "creative_rotate", "rotation_gains"),
        ("creative_fatigue SET worn_chance = 0.8", "creative_rotate", "surely_worn"),
        ("creative_recommendations SET q_value = 0.2", "creative_test", "trait_significant"),
        (
            "creative_recommendations SET return_ratio_low = 0.9",
            "creative_test",
            "trait_significant",
        ),
        ("creative_fatigue SET weekly_conversions = 1", "creative_test", "test_tells"),
    ],
)
def test_weak_evidence_fails_the_guardrail_that_it_is_of(
    ledger: Ledger, changed: str, kind: str, guardrail: str
) -> None:
    execute(ledger, f"UPDATE contracts.{changed} WHERE TRUE")
    stored = drafted(ledger)[0][kind]
    verdicts = {c.name: c.verdict for c in stored.certificate()}
    assert verdicts.pop(guardrail) == "FAIL"
    assert set(verdicts.values()) == {"PASS"}


def test_without_a_trait_to_try_and_without_a_worn_ad_nothing_is_proposed(ledger: Ledger) -> None:
    execute(ledger, "UPDATE contracts.creative_recommendations SET verdict = 'NONE' WHERE TRUE")
    execute(ledger, "UPDATE contracts.creative_fatigue SET verdict = 'FRESH' WHERE TRUE")
    assert drafted(ledger)[0] == {}


def test_without_a_run_nothing_is_proposed_and_it_is_said(ledger: Ledger) -> None:
    execute(ledger, "DELETE FROM contracts.job_runs WHERE job = 'creatives'")
    made, refused = drafted(ledger)
    assert made == {}
    assert "creatives has no run up to 2026-06-30: no rotation of ads is proposed." in refused


def test_another_currency_than_the_accounts_is_refused(ledger: Ledger) -> None:
    execute(ledger, "UPDATE contracts.creative_fatigue SET currency_code = 'EUR' WHERE TRUE")
    made, refused = drafted(ledger)
    assert "creative_rotate" not in made
    assert any("its account is in USD now" in why for why in refused)


def test_the_kinds_name_the_fields_that_they_change() -> None:
    assert (creative_rotate.KIND.field, creative_test.KIND.field) == ("ad_status", "creative_test")
