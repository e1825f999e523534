"""The ledger: decisions once, in words, and a chain that shows any change."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import DecisionRefused, IntegrityError, RateUnknown
from pipelines.money import Money
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import decide
from pipelines.proposals.anchor import Anchor
from pipelines.proposals.events import Actor, make_event
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.policy import Policy, approvals_needed
from pipelines.proposals.propose import Proposed
from pipelines.proposals.propose import propose as propose_new
from pipelines.proposals.states import Action, State
from pipelines.proposals.terms import Terms
from pipelines.proposals.verify import verify
from pipelines.warehouse import Statement
from tests.unit.ledger_rows import NOW, insert, two_channels
from tests.unit.ledgers import ANN, BOB, CAPS, file, in_force
from tests.unit.ledgers import terms as under

pytestmark = pytest.mark.slow

TWO = {"approvals": [{"over_micros": 1_000_000, "people": 2}]}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(two_channels(tmp_path / "w.duckdb"), Anchor(tmp_path / "anchor.jsonl", "w"))


def terms(caps: GuardrailSettings = CAPS, now: datetime = NOW, **settings: Any) -> Terms:
    return replace(under(caps, **settings), now=now)


def propose(
    ledger: Ledger, caps: GuardrailSettings = CAPS, now: datetime = NOW, **settings: Any
) -> Proposed:
    held = in_force(ledger, terms(caps, now, **settings))
    return propose_new(ledger, held, created_by="carol")


def approve(
    ledger: Ledger,
    proposal_id: str,
    actor: Actor = ANN,
    *,
    now: datetime = NOW,
    seen_hash: str | None = None,
    **settings: Any,
) -> State:
    held = terms(now=now, **settings)
    decided = decide.approve(ledger, held, proposal_id, actor, seen_hash=seen_hash)
    return decided.state


def shift(ledger: Ledger, campaign: str = "m1") -> str:
    """Id of the proposal to shift a campaign's budget; m1's is a cut, g1's an increase."""
    proposals = ledger.read().proposals
    return next(p.proposal_id for p in proposals if p.target.campaign_id == campaign)


def execute(ledger: Ledger, sql: str) -> None:
    ledger.warehouse.transaction([Statement(sql)], label="test")


def test_the_same_evidence_is_proposed_once(ledger: Ledger) -> None:
    first, second = propose(ledger), propose(ledger, now=NOW + timedelta(hours=1))
    assert len(first.created) == 3
    assert (second.created, set(second.existing)) == ((), set(first.created))


def test_an_approval_records_the_change_in_the_shadow_feed(ledger: Ledger) -> None:
    propose(ledger)
    assert approve(ledger, shift(ledger)) == State.SHADOW_RECORDED
    changes = ledger.warehouse.query("SELECT from_value, to_value FROM canary.canary_changes")
    assert changes.to_pylist() == [{"from_value": "800000000", "to_value": "760000000"}]


def test_an_increase_waits_for_the_cuts_that_fund_it(ledger: Ledger) -> None:
    propose(ledger)
    with pytest.raises(DecisionRefused, match=r"needs 40\.00 USD a day.*leave 0\.00 USD"):
        approve(ledger, shift(ledger, "g1"))
    approve(ledger, shift(ledger, "m1"))
    assert approve(ledger, shift(ledger, "g1")) == State.SHADOW_RECORDED


def test_the_author_may_not_approve(ledger: Ledger) -> None:
    propose(ledger)
    with pytest.raises(DecisionRefused, match="carol proposed it"):
        approve(ledger, shift(ledger), Actor("carol", "person"))


def test_a_service_may_not_approve(ledger: Ledger) -> None:
    propose(ledger)
    with pytest.raises(DecisionRefused, match="is a service"):
        approve(ledger, shift(ledger), Actor("service:adcanary", "service"))


def test_an_expired_proposal_cannot_be_approved_and_is_proposed_anew(ledger: Ledger) -> None:
    propose(ledger)
    later = NOW + timedelta(days=9)
    with pytest.raises(DecisionRefused, match="expired at 2026-07-09"):
        approve(ledger, shift(ledger), now=later)
    again = propose(ledger, now=later)
    assert (len(again.expired), len(again.created)) == (3, 3)
    assert {p.revision for p in ledger.read().proposals} == {2}


def test_an_open_change_request_blocks_approval(ledger: Ledger) -> None:
    propose(ledger)
    decide.decide(
        ledger, terms(), shift(ledger), Action.REQUEST_CHANGES, BOB, comment="smaller, please"
    )
    with pytest.raises(DecisionRefused, match="it is CHANGES_REQUESTED"):
        approve(ledger, shift(ledger))


def test_much_money_needs_two_different_people(ledger: Ledger) -> None:
    propose(ledger, **TWO)
    assert approve(ledger, shift(ledger), ANN, **TWO) == State.PENDING_REVIEW
    with pytest.raises(DecisionRefused, match="ann has approved it already"):
        approve(ledger, shift(ledger), ANN, **TWO)
    assert approve(ledger, shift(ledger), BOB, **TWO) == State.SHADOW_RECORDED


def test_a_baseline_that_moved_makes_it_stale_and_records_nothing(ledger: Ledger) -> None:
    propose(ledger)
    execute(
        ledger,
        "UPDATE marts.dim_campaign SET daily_budget_micros = 900000000 WHERE campaign_id = 'm1'",
    )
    assert approve(ledger, shift(ledger)) == State.STALE
    assert ledger.warehouse.query("SELECT * FROM canary.canary_changes").num_rows == 0


def test_without_a_cac_ceiling_an_increase_stays_a_draft_until_one_is_set(ledger: Ledger) -> None:
    propose(ledger, GuardrailSettings())
    stored = ledger.read().proposal(shift(ledger, "g1"))
    assert (stored.verdict, stored.state) == ("NO_DATA", "DRAFT")
    propose(ledger)
    stored = ledger.read().proposal(shift(ledger, "g1"))
    assert (stored.revision, stored.verdict, stored.state) == (2, "PASS", "PENDING_REVIEW")


def test_a_guardrail_that_no_longer_holds_stops_the_approval(ledger: Ledger) -> None:
    propose(ledger)
    approve(ledger, shift(ledger, "m1"))
    fewer = "UPDATE contracts.mmm_allocations SET delta_orders_p10 = 1 WHERE delta_orders_p10 > 0"
    execute(ledger, fewer)
    with pytest.raises(DecisionRefused, match=r"a guardrail no longer holds: 350\.00 an order"):
        approve(ledger, shift(ledger, "g1"))


def test_evidence_that_turned_inconclusive_stops_the_approval(ledger: Ledger) -> None:
    propose(ledger)
    execute(ledger, "UPDATE contracts.job_runs SET verdict = 'INCONCLUSIVE' WHERE job = 'mmm'")
    with pytest.raises(DecisionRefused, match="mmm is INCONCLUSIVE"):
        approve(ledger, shift(ledger))


def test_an_account_whose_data_is_old_fails_its_proposals(ledger: Ledger) -> None:
    execute(ledger, "UPDATE marts.ads_account_days SET date = DATE '2026-06-20' WHERE TRUE")
    propose(ledger)
    assert {p.verdict for p in ledger.read().proposals} == {"FAIL"}


@pytest.mark.parametrize(
    ("job", "verdicts"),
    [
        ("mmm", {"g1": "FAIL", "m1": "FAIL", "m2": "PASS"}),
        ("pacing", {"g1": "PASS", "m1": "PASS", "m2": "PASS"}),
    ],
)
def test_a_pause_waits_for_no_forecast_and_a_shift_for_the_media_mix_alone(
    ledger: Ledger, job: str, verdicts: dict[str, str]
) -> None:
    insert(
        ledger.warehouse,
        "contracts.fidelity_evaluations",
        job=job,
        quantity="another",
        basis="live",
        predictions=20,
        max_mape=0.5,
        max_bias=0.05,
        max_ks=0.35,
        verdict="FAIL",
        reason="they were off",
    )
    propose(ledger)
    assert {p.target.campaign_id: p.verdict for p in ledger.read().proposals} == verdicts


def test_a_rejected_finding_does_not_return_with_the_next_days_run(ledger: Ledger) -> None:
    propose(ledger)
    rejected = shift(ledger)
    decide.decide(ledger, terms(), rejected, Action.REJECT, BOB, comment="no")
    execute(ledger, "UPDATE contracts.job_runs SET run_id = 'r2' WHERE TRUE")
    for table in ("mmm_allocations", "mmm_curves", "pacing_alerts"):
        execute(ledger, f"UPDATE contracts.{table} SET run_id = 'r2' WHERE TRUE")
    assert rejected in propose(ledger).existing
    assert ledger.read().proposal(rejected).state == "REJECTED"


def test_content_that_was_changed_is_not_approved(ledger: Ledger) -> None:
    propose(ledger)
    execute(ledger, "UPDATE canary.canary_proposals SET proposed_value = '9' WHERE TRUE")
    with pytest.raises(IntegrityError, match=r"canary_proposals, p-.*a value was changed"):
        approve(ledger, shift(ledger))


def test_an_approval_of_other_content_than_was_seen_is_refused(ledger: Ledger) -> None:
    propose(ledger)
    with pytest.raises(DecisionRefused, match="its content hash is"):
        approve(ledger, shift(ledger), seen_hash="0000")


def test_a_proposal_without_a_rate_to_a_new_reporting_currency_is_proposed_anew(
    ledger: Ledger,
) -> None:
    propose(ledger)
    euros = replace(terms(), policy=Policy.of(file(), "EUR", "UTC"))
    stored = ledger.read().proposal(shift(ledger, "m2"))
    with pytest.raises(RateUnknown, match="no exchange rate from USD to EUR"):
        approvals_needed(stored, euros.policy)
    execute(
        ledger,
        "INSERT INTO marts.fx_rates_daily (date, currency_code, reporting_currency_code, fx_rate, "
        "fx_date) VALUES (DATE '2026-06-30', 'USD', 'EUR', 0.9, DATE '2026-06-30')",
    )
    in_force(ledger, euros)
    assert propose_new(ledger, euros, created_by="carol").created == (stored.proposal_id,)
    again = ledger.read().proposal(stored.proposal_id)
    assert (again.revision, again.state) == (2, State.PENDING_REVIEW)
    assert decide.approve(ledger, euros, again.proposal_id, ANN).state == State.PENDING_REVIEW
    assert propose_new(ledger, euros, created_by="carol").created == ()
    assert "form one chain" in verify(ledger)


def test_a_channel_below_its_floor_may_grow(ledger: Ledger) -> None:
    floor = CAPS.model_copy(update={"channel_floor_percent": 50.0})
    propose(ledger, floor)
    assert ledger.read().proposal(shift(ledger, "g1")).verdict == "PASS"
    assert ledger.read().proposal(shift(ledger, "m1")).verdict == "FAIL"


def test_two_people_deciding_at_once_make_one_decision_and_one_refusal(ledger: Ledger) -> None:
    propose(ledger)
    book = ledger.read()
    stored = book.proposal(shift(ledger))
    approve(ledger, stored.proposal_id)
    late = make_event(stored, Action.REJECT, BOB, book.at(terms().moment))
    with pytest.raises(DecisionRefused, match="Somebody else decided at the same moment"):
        ledger.append(book, [late], label="reject")
    assert ledger.read().proposal(stored.proposal_id).state == "SHADOW_RECORDED"


def test_an_approval_binds_to_the_content_it_was_given_to(ledger: Ledger) -> None:
    propose(ledger, **TWO)
    approve(ledger, shift(ledger), ANN, **TWO)
    later = NOW + timedelta(days=9)
    propose(ledger, now=later)
    assert ledger.read().proposal(shift(ledger)).approvals == ()


def test_increases_are_paid_by_cuts_and_sick_campaigns_get_nothing(ledger: Ledger) -> None:
    propose(ledger)
    shifts = [p for p in ledger.read().proposals if p.kind == "budget_shift"]
    assert {p.target.campaign_id: p.delta for p in shifts} == {
        "g1": Money(40_000_000, "USD"),
        "m1": Money(-40_000_000, "USD"),
    }


def test_a_whole_chain_verifies(ledger: Ledger) -> None:
    propose(ledger)
    approve(ledger, shift(ledger))
    assert "9 events form one chain, 3 proposal revisions match" in verify(ledger)


def test_cutting_the_last_event_off_is_found(ledger: Ledger) -> None:
    propose(ledger)
    execute(ledger, "DELETE FROM canary.canary_events WHERE sequence = 7")
    with pytest.raises(IntegrityError, match="row 7 is missing"):
        verify(ledger)
