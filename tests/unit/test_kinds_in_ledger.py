"""Every kind goes through the ledger: a part of a campaign is a target of its own, what is recorded
says what to do on the platform, and rows of before either still verify."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.errors import IntegrityError
from pipelines.proposals import decide
from pipelines.proposals.events import SERVICE
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms
from pipelines.proposals.verify import hold_rows, verify
from tests.unit.kind_rows import (
    a_segment_to_test,
    an_ad_group_to_split,
    credited,
    curves,
    no_alerts,
    set_status,
)
from tests.unit.ledgers import ANN, BOB, decided, execute, fresh, in_force, terms

pytestmark = pytest.mark.slow


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """One that every kind has evidence in."""
    made = fresh(tmp_path)
    an_ad_group_to_split(made.warehouse)
    a_segment_to_test(made.warehouse)
    curves(made.warehouse)
    in_force(made, terms())
    return made


def by_kind(ledger: Ledger, kind: str) -> StoredProposal:
    (stored,) = [p for p in ledger.read().proposals if p.kind == kind]
    return stored


def test_a_part_of_a_campaign_is_open_beside_the_campaign(ledger: Ledger) -> None:
    first = propose(ledger, terms(), created_by=SERVICE.name)
    again = propose(ledger, terms(minutes=1), created_by=SERVICE.name)
    assert (len(first.created), first.superseded) == (5, ())
    assert (again.created, again.superseded, set(again.existing)) == ((), (), set(first.created))
    of_m1 = {
        (p.kind, p.target.part): p.state
        for p in ledger.read().proposals
        if p.target.campaign_id == "m1"
    }
    assert of_m1 == {
        ("budget_shift", None): State.PENDING_REVIEW,
        ("creative_split", "ad_group:7"): State.PENDING_REVIEW,
        ("audience_test", "segment:mobile · new"): State.PENDING_REVIEW,
    }
    verify(ledger)


def test_a_newer_finding_of_the_same_part_supersedes_it_and_nothing_else(ledger: Ledger) -> None:
    propose(ledger, terms(), created_by=SERVICE.name)
    before = by_kind(ledger, "creative_split")
    execute(
        ledger,
        "UPDATE contracts.bandit_decisions SET propensity = 1 - propensity WHERE TRUE",
    )
    again = propose(ledger, terms(minutes=1), created_by=SERVICE.name)
    assert again.superseded == (before.proposal_id,)
    verify(ledger)


@pytest.mark.parametrize("kind", ["creative_split", "audience_test"])
def test_a_recorded_part_names_itself_and_what_to_do(ledger: Ledger, kind: str) -> None:
    propose(ledger, terms(), created_by=SERVICE.name)
    stored = by_kind(ledger, kind)
    decision = decide.approve(ledger, terms(minutes=1), stored.proposal_id, ANN)
    assert decision.state == State.SHADOW_RECORDED
    (change,) = ledger.records().changes
    assert change["target_part"] == stored.target.part
    assert change["from_value"] == stored.current_value
    assert change["to_value"] == stored.proposed_value
    assert change["operation"] == stored.operation
    assert change["operation"].startswith("1. In Meta Ads Manager, open account a")
    assert change["rollback_operation"] == stored.rollback_operation
    assert "1 recorded changes match their proposals" in verify(ledger)


def test_another_operation_in_the_feed_than_was_approved_is_found(tmp_path: Path) -> None:
    records = decided(tmp_path).records()
    (change,) = records.changes
    assert "Set its daily budget from 800.00 USD to 760.00 USD." in change["operation"]
    forged = {**change, "operation": change["operation"].replace("760.00", "960.00")}
    with pytest.raises(IntegrityError, match="it isn't the change that was approved"):
        hold_rows(replace(records, changes=(forged,)))


def test_a_ledger_of_before_parts_and_operations_still_verifies(tmp_path: Path) -> None:
    """Its rows hash and compare as they were written, whether the columns are NULL or missing."""
    ledger = decided(tmp_path)
    later = ("target_part", "operation", "rollback_operation")
    assert all(row["target_part"] is None for row in ledger.records().proposals)
    records = ledger.records()
    old = [p for p in records.proposals if p["campaign_id"] == "m2"]
    for missing in ({}, dict.fromkeys(later)):
        without = {**{k: v for k, v in old[0].items() if k not in later}, **missing}
        stored = StoredProposal.of(without, State.NONE, ())
        assert not stored.content_holds()  # the operation was hashed with the rest
        assert (stored.operation, stored.target.part) == (None, None)
        rehashed = StoredProposal.of(
            {**without, "content_hash": _hash_of_before(without)}, State.NONE, ()
        )
        assert rehashed.content_holds()


def _hash_of_before(row: dict[str, object]) -> str:
    from pipelines.proposals.proposal import hash_row

    later = ("target_part", "operation", "rollback_operation", "content_hash")
    return hash_row({k: v for k, v in row.items() if k not in later})


def test_a_recorded_pause_is_resumed_in_the_next_month_and_not_before(ledger: Ledger) -> None:
    propose(ledger, terms(), created_by=SERVICE.name)
    pause = by_kind(ledger, "pause")
    decide.approve(ledger, terms(minutes=1), pause.proposal_id, ANN)
    decide.approve(ledger, terms(minutes=1), pause.proposal_id, BOB)
    set_status(ledger.warehouse, "m2", "PAUSED")
    no_alerts(ledger.warehouse)
    propose(ledger, terms(minutes=2), created_by=SERVICE.name)
    assert [p for p in ledger.read().proposals if p.kind == "resume"] == []

    august = _later(31)
    execute(
        ledger,
        "UPDATE contracts.job_runs SET as_of = DATE '2026-07-31' WHERE TRUE",
        "UPDATE marts.ads_account_days SET date = DATE '2026-07-31' WHERE TRUE",
    )
    propose(ledger, august, created_by=SERVICE.name)
    resume = by_kind(ledger, "resume")
    assert (resume.target.campaign_id, resume.verdict) == ("m2", "PASS")
    decide.approve(ledger, august, resume.proposal_id, ANN)
    decision = decide.approve(ledger, august, resume.proposal_id, BOB)
    assert decision.state == State.SHADOW_RECORDED
    verify(ledger)

    # it was the last word on the campaign: the pause before it asks for nothing any more
    again = propose(ledger, _later(32), created_by=SERVICE.name)
    assert resume.proposal_id not in again.created


def _later(days: int) -> Terms:
    now = terms()
    return replace(
        now,
        now=now.now + timedelta(days=days),
        as_of=now.as_of + timedelta(days=days),
        day_began=now.day_began + timedelta(days=days),
    )


def test_credited_orders_steer_the_shift_from_the_warehouse(ledger: Ledger) -> None:
    no_alerts(ledger.warehouse)
    credited(ledger.warehouse, g1=500, m1=900, m2=100)
    propose(ledger, terms(), created_by=SERVICE.name)
    shifts = {p.target.campaign_id: p for p in ledger.read().proposals if p.kind == "budget_shift"}
    # a cut of 5% of all is all that the cap allows, whatever brings more
    assert {k: p.delta.micros // 1_000_000 for k, p in shifts.items()} == {
        "g1": 50,
        "m1": -40,
        "m2": -10,
    }
    orders = {k: p.effect().orders for k, p in shifts.items()}
    assert orders["m1"]
    assert orders["m2"]
    # a dollar of m1's is worth most of what is lost
    assert orders["m1"].p50 / 40 < 3 * orders["m2"].p50 / 10 < 0
    verify(ledger)
