"""A decision is held to the policy and the clock that the ledger records."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import DecisionRefused, IntegrityError
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import decide
from pipelines.proposals.events import SERVICE, anchor_event
from pipelines.proposals.govern import set_policy
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.states import Action, State
from pipelines.proposals.terms import Terms
from pipelines.proposals.verify import verify
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.ledgers import ADA, ANN, BOB, CAPS, execute, fresh, ids, in_force, terms

pytestmark = pytest.mark.slow


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = fresh(tmp_path)
    propose(ledger, in_force(ledger, terms()), created_by=SERVICE.name)
    return ledger


def own(minutes: int = 1, **settings: Any) -> Terms:
    """The terms of an approver's own file."""
    caps = {k: v for k, v in settings.items() if k in GuardrailSettings.model_fields}
    rest = {k: v for k, v in settings.items() if k not in caps}
    return terms(CAPS.model_copy(update=caps), minutes=minutes, **rest)


def approve(ledger: Ledger, held: Terms, campaign: str = "m1") -> decide.Decision:
    return decide.approve(ledger, held, ids(ledger)[campaign], ANN)


def changes(ledger: Ledger) -> list[str]:
    rows = ledger.warehouse.query("SELECT to_value FROM canary.canary_changes")
    return list(rows["to_value"].to_pylist())


@pytest.mark.parametrize(
    "settings",
    [
        {"approvals": [{"over_micros": 900_000_000_000, "people": 2}]},
        {"people": {"admins": ["ann"]}},
        {"max_change_percent": 2.0},
        {"max_daily_change_percent": 100.0},
        {"expires_after_days": 90},
        {"cac_ceiling_micros": None},
    ],
)
def test_nobody_approves_by_settings_of_their_own(ledger: Ledger, settings: dict[str, Any]) -> None:
    with pytest.raises(DecisionRefused, match=f"put in force: {next(iter(settings))} "):
        approve(ledger, own(**settings))
    assert changes(ledger) == []


def test_a_tightened_cap_makes_new_revisions_and_what_is_recorded_is_what_it_allows(
    ledger: Ledger,
) -> None:
    tighter = own(max_change_percent=2.0)
    changes = set_policy(ledger, tighter.policy, tighter.moment, ADA, comment="carefully")
    assert changes == ("max_change_percent 5.0 → 2.0",)
    again = propose(ledger, tighter, created_by=SERVICE.name)
    # the allocation itself is still the one of the wider cap, and stays a draft
    assert set(again.created) == set(ids(ledger).values())
    stored = ledger.read().proposal(ids(ledger)["m1"])
    assert (stored.revision, stored.verdict, stored.state) == (2, "FAIL", State.DRAFT)
    assert "ada changed the policy: max_change_percent 5.0 → 2.0" in verify(ledger)


def test_evidence_that_gives_other_amounts_makes_it_stale_then_a_new_revision(
    ledger: Ledger,
) -> None:
    less = "UPDATE contracts.mmm_allocations SET proposed_weekly_micros = {} WHERE channel = '{}'"
    execute(ledger, less.format(7_140_000_000, "google_ads"))
    execute(ledger, less.format(6_860_000_000, "meta_ads"))
    decided = approve(ledger, terms(minutes=1))
    assert decided.state == State.STALE
    assert decided.why
    assert "gives 800.00 USD → 784.00 USD a day (-2.0%), not 800.00 USD → 760.00 USD" in decided.why
    assert changes(ledger) == []
    again = propose(ledger, terms(minutes=2), created_by=SERVICE.name)
    assert {ids(ledger)["m1"], ids(ledger)["g1"]} == set(again.created)  # the pause is as it was
    assert approve(ledger, terms(minutes=3)).state == State.SHADOW_RECORDED
    assert changes(ledger) == ["784000000"]
    verify(ledger)


def test_a_policy_that_was_set_back_does_not_bring_earlier_proposals_back(ledger: Ledger) -> None:
    in_force(ledger, own(max_open_proposals=7))
    in_force(ledger, terms(minutes=2))
    assert "ada changed the policy: max_open_proposals 7 → 50" in verify(ledger)
    with pytest.raises(DecisionRefused, match="made before event"):
        approve(ledger, terms(minutes=3))
    propose(ledger, terms(minutes=3), created_by="ann")
    with pytest.raises(DecisionRefused, match="ann proposed it"):
        approve(ledger, terms(minutes=4))
    decided = decide.approve(ledger, terms(minutes=4), ids(ledger)["m1"], BOB)
    assert decided.state == State.SHADOW_RECORDED


def test_a_clock_that_runs_backwards_is_refused_for_everything(ledger: Ledger) -> None:
    early = replace(terms(), now=terms().now - timedelta(seconds=1))
    with pytest.raises(DecisionRefused, match="time can't run backwards"):
        approve(ledger, early)
    with pytest.raises(DecisionRefused, match="time can't run backwards"):
        decide.decide(ledger, early, ids(ledger)["m1"], Action.REJECT, ANN, comment=None)
    with pytest.raises(DecisionRefused, match="time can't run backwards"):
        propose(ledger, early, created_by=SERVICE.name)


def test_a_fixed_clock_does_not_continue_the_machines(ledger: Ledger) -> None:
    fixed = replace(terms(minutes=1), clock="fixed")
    with pytest.raises(DecisionRefused, match="runs by the machine's clock"):
        approve(ledger, fixed)


def test_every_event_says_under_which_policy_and_by_which_clock(ledger: Ledger) -> None:
    approve(ledger, terms(minutes=1))
    events = ledger.events()
    assert {e.policy_hash for e in events} == {terms().policy.hash}
    assert {e.clock for e in events} == {"machine"}
    assert [e.approvals_needed for e in events if e.action == Action.RECORD] == [1]


def test_a_person_sets_back_a_clock_that_was_ahead_and_everything_is_proposed_anew(
    ledger: Ledger,
) -> None:
    ahead = terms(minutes=60 * 24 * 400)
    decide.decide(ledger, ahead, ids(ledger)["m2"], Action.REJECT, ANN, comment=None)
    now = terms(minutes=1)
    assert "Later than now" in verify(ledger, now.now)
    with pytest.raises(DecisionRefused, match=r"'reject' by ann\), was recorded at 2027-"):
        decide.accept_anchor(ledger, now, ADA, comment=None)
    decide.accept_anchor(ledger, now, ADA, comment="the host's clock was a year ahead")
    assert "ada set the clock back: it was 2027-" in verify(ledger)
    with pytest.raises(DecisionRefused, match="made before event"):
        approve(ledger, terms(minutes=2))
    again = propose(ledger, terms(minutes=3), created_by=SERVICE.name)
    assert ids(ledger)["m1"] in again.created
    assert approve(ledger, terms(minutes=4)).state == State.SHADOW_RECORDED
    verify(ledger)


def test_a_clock_set_back_without_a_reason_or_a_new_policy_event_is_found(ledger: Ledger) -> None:
    book = ledger.read()
    early = replace(book.at(terms().moment), now=terms().now - timedelta(hours=1))
    ledger.append(book, [anchor_event(book.head, ADA, early, "why")], label="test")
    with pytest.raises(IntegrityError, match="the one after it is missing"):
        verify(ledger)


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE canary.canary_changes",
        "ALTER TABLE canary.canary_events DROP COLUMN occurred_at",
        "ALTER TABLE canary.canary_head RENAME COLUMN sequence TO place",
    ],
)
def test_a_table_that_is_gone_or_malformed_breaks_the_record(ledger: Ledger, damage: str) -> None:
    assert isinstance(ledger.warehouse, DuckDBWarehouse)
    with duckdb.connect(str(ledger.warehouse.path)) as connection:
        connection.execute(damage)
    with pytest.raises(
        IntegrityError, match=r"a table of the record of decisions|a value was changed"
    ):
        verify(ledger)
