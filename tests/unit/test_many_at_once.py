"""A ledger takes hundreds of proposals, and of decisions, in one append each."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from pipelines.config import Settings, load_settings
from pipelines.errors import WarehouseError
from pipelines.proposals.anchor import Anchor
from pipelines.proposals.events import SERVICE
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.review.decisions import Decisions, Seen
from pipelines.proposals.review.identity import Visitor
from pipelines.proposals.review.shelf import Shelf
from pipelines.proposals.states import State
from pipelines.proposals.terms import Terms, file_policy
from pipelines.proposals.verify import verify
from pipelines.warehouse import open_warehouse
from tests.unit import ledgers

pytestmark = pytest.mark.slow

COUNT = 300
"""With an INSERT each, so many proposals and their events took more memory than DuckDB has."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with so many campaigns that run away, and a policy that lets all of them wait."""
    folder = tmp_path_factory.mktemp("many")
    warehouse = ledgers.fresh(folder).warehouse
    (folder / "adcanary.yaml").write_text(
        "now: 2026-07-01T09:00:00Z\nwarehouse: {path: w.duckdb}\npolicy: policy.yaml\n"
    )
    (folder / "policy.yaml").write_text(
        "{version: 1, max_open_proposals: 1000, "
        "people: {admins: [ada], approvers: {marketing: [ann]}}}\n"
    )
    with duckdb.connect(str(folder / "w.duckdb")) as connection:
        connection.execute(
            "INSERT INTO marts.dim_campaign SELECT 'meta_ads', 'a', 'x' || i, 'x' || i, 'ENABLED', "
            f"200000000, 'USD', NULL, 'meta_ads' FROM range({COUNT}) AS n(i)"
        )
        connection.execute(
            "INSERT INTO contracts.pacing_alerts SELECT a.* REPLACE ('x' || i AS campaign_id) "
            f"FROM contracts.pacing_alerts AS a, range({COUNT}) AS n(i)"
        )
    settings = load_settings(folder / "adcanary.yaml")
    terms = Terms.of(settings, file_policy(settings))
    ledgers.in_force(open_ledger(warehouse, settings), terms)
    return folder


def copied(world: Path, folder: Path) -> tuple[Settings, Ledger]:
    shutil.copytree(world, folder)
    settings = load_settings(folder / "adcanary.yaml")
    return settings, open_ledger(open_warehouse(settings), settings)


def proposed(settings: Settings, ledger: Ledger) -> tuple[str, ...]:
    terms = Terms.of(settings, ledger.policy())
    return propose(ledger, terms, created_by=SERVICE.name).created


def appends(ledger: Ledger) -> int:
    assert isinstance(ledger.anchor, Anchor)
    anchored = ledger.anchor.read()
    assert anchored
    return len(anchored.lines)


def test_hundreds_are_proposed_in_one_append(world: Path, tmp_path: Path) -> None:
    settings, ledger = copied(world, tmp_path / "w")
    before = appends(ledger)
    assert len(proposed(settings, ledger)) > COUNT
    assert appends(ledger) == before + 1
    assert "form one chain" in verify(ledger)
    assert ledger.warehouse.stages() == []


def test_hundreds_are_rejected_in_one_append(world: Path, tmp_path: Path) -> None:
    settings, ledger = copied(world, tmp_path / "w")
    proposed(settings, ledger)
    shelf = Shelf(settings)
    standing = shelf.refresh().standing
    waiting = [p for p in standing.proposals.values() if p.state == State.PENDING_REVIEW]
    assert len(waiting) > COUNT
    before = appends(ledger)
    outcome = Decisions(settings, shelf).reject_all(
        Visitor("ann", "test"), [Seen.of(p) for p in waiting], standing.trail.sequence, "not now"
    )
    assert outcome.title == f"{len(waiting):,} rejected."
    assert appends(ledger) == before + 1
    states = {p.proposal_id: p.state for p in ledger.read().proposals}
    assert {states[p.proposal_id] for p in waiting} == {State.REJECTED}
    assert "form one chain" in verify(ledger)


def test_nothing_of_a_large_append_stays_where_it_fails(world: Path, tmp_path: Path) -> None:
    settings, ledger = copied(world, tmp_path / "w")
    with duckdb.connect(str(settings.warehouse.path)) as connection:
        connection.execute(  # no budget fits into it
            "ALTER TABLE canary.canary_budgets_snapshot ALTER daily_budget_micros TYPE TINYINT"
        )
    before = ledger.read()
    with pytest.raises(WarehouseError):
        proposed(settings, ledger)
    assert ledger.read() == before
    assert ledger.warehouse.stages() == []
