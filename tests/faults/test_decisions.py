"""Whatever people do, in whatever order and at once: the ledger replays, and nothing counts twice.

``ADCANARY_STEPS`` sets how many steps are walked on each warehouse, ``ADCANARY_PROCESSES`` how many
processes decide at once (docs/benchmarks.md has 10,000 and 100).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from pipelines.config import WarehouseSettings
from pipelines.errors import DecisionRefused, UsageError
from pipelines.proposals import decide, govern
from pipelines.proposals.anchor import Anchor
from pipelines.proposals.checkpoint import Memory, basis
from pipelines.proposals.events import SERVICE, Actor, switch_event
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.states import OPEN, Action, State
from pipelines.proposals.terms import Terms
from pipelines.proposals.verify import hold_rows, verify
from pipelines.warehouse import Statement
from pipelines.warehouse.bigquery import BigQueryWarehouse
from tests.unit import ledgers
from tests.unit.ledger_rows import fill
from tests.wire.bigquery_emulator import Emulator

STEPS = int(os.environ.get("ADCANARY_STEPS", "150"))
WALK = 50
PEOPLE = [Actor(name, "person") for name in ("ada", "ann", "bob", "eve", "dave")]
ACTIONS = [Action.REJECT, Action.REQUEST_CHANGES, Action.WITHDRAW, Action.REVOKE]
POLICIES = [
    {},
    {"approvals": [{"over_micros": 1_000_000, "people": 2, "group": "finance"}]},
    {"max_open_proposals": 2},
    {"jobs": {"mmm": False}},
]
PROCESSES = int(os.environ.get("ADCANARY_PROCESSES", "25"))
Open = Callable[[Path], AbstractContextManager[Ledger]]

people = st.sampled_from(PEOPLE)
campaigns = st.sampled_from(["g1", "m1", "m2"])


def machine(open_ledger: Open) -> type[RuleBasedStateMachine]:
    """A walk through decisions on a ledger of its own."""

    class Decisions(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self._folder = tempfile.TemporaryDirectory()
            self._opened = open_ledger(Path(self._folder.name))
            self.ledger = self._opened.__enter__()
            self.policy, self.minutes = ledgers.policy(), 0
            self.ids: dict[str, str] = {}
            ledgers.in_force(self.ledger, self.terms)

        def teardown(self) -> None:
            self._opened.__exit__(None, None, None)
            self._folder.cleanup()

        @property
        def terms(self) -> Terms:
            held = ledgers.terms()
            return replace(held, policy=self.policy, now=held.now + timedelta(minutes=self.minutes))

        def attempt(self, act: Callable[[], object]) -> bool:
            try:
                act()
            except (DecisionRefused, UsageError):
                return False
            return True

        @rule(actor=st.sampled_from([SERVICE, *PEOPLE]))
        def propose(self, actor: Actor) -> None:
            propose(self.ledger, self.terms, created_by=actor.name)

        @rule(actor=people, campaign=campaigns, glass=st.booleans())
        def approve(self, actor: Actor, campaign: str, glass: bool) -> None:
            self.attempt(lambda: self._approve(actor, campaign, glass=glass))

        @rule(actor=people, campaign=campaigns, action=st.sampled_from(ACTIONS))
        def decide(self, actor: Actor, campaign: str, action: Action) -> None:
            self.attempt(lambda: self._decide(actor, campaign, action))

        @rule(one=people, other=people, campaign=campaigns, action=st.sampled_from(ACTIONS))
        def decide_at_once(self, one: Actor, other: Actor, campaign: str, action: Action) -> None:
            """Two people, each with a clock that may be a moment behind the other's event."""
            with ThreadPoolExecutor(2) as pool:
                decisions = [
                    pool.submit(self.attempt, lambda: self._approve(one, campaign)),
                    pool.submit(self.attempt, lambda: self._decide(other, campaign, action)),
                ]
                for decision in decisions:
                    decision.result()

        @rule(actor=people, settings_=st.sampled_from(POLICIES))
        def set_policy(self, actor: Actor, settings_: dict[str, object]) -> None:
            policy = ledgers.policy(**settings_)
            moment = replace(self.terms.moment, policy=policy)

            def act() -> object:
                return govern.set_policy(self.ledger, policy, moment, actor, comment="x")

            if self.attempt(act):
                assert actor.name == "ada"
                self.policy = policy

        @rule(actor=people)
        def stop(self, actor: Actor) -> None:
            self.attempt(lambda: govern.stop(self.ledger, self.terms.moment, actor, "x"))

        @rule(actor=people)
        def resume(self, actor: Actor) -> None:
            done = self.attempt(lambda: govern.resume(self.ledger, self.terms.moment, actor, "x"))
            assert not done or actor.name == "ada"

        @rule(minutes=st.sampled_from([1, 60, 60 * 24 * 3]))
        def wait(self, minutes: int) -> None:
            self.minutes += minutes

        @rule(budget=st.sampled_from([790_000_000, 800_000_000]))
        def change_the_budget(self, budget: int) -> None:
            sql = f"UPDATE marts.dim_campaign SET daily_budget_micros = {budget} "
            sql += "WHERE campaign_id = 'm1'"
            self.ledger.warehouse.transaction([Statement(sql)], label="test")

        @invariant()
        def every_row_could_have_been_made_and_nothing_counts_twice(self) -> None:
            records = self.ledger.records()
            hold_rows(records)
            book = records.book()
            open_ = [p.target.key for p in book.proposals if p.state in OPEN]
            assert len(open_) == len(set(open_))
            recorded = [e.key for e in records.events if e.action == Action.RECORD]
            assert len(recorded) == len(set(recorded)) == len(records.changes)
            shifts = [p for p in book.proposals if p.kind == "budget_shift"]
            standing = [p.delta.micros for p in shifts if p.state == State.SHADOW_RECORDED]
            assert sum(standing) <= 0

        def _id(self, campaign: str) -> str:
            book = self.ledger.read()
            ids = [p.proposal_id for p in book.proposals if p.target.campaign_id == campaign]
            return ids[-1] if ids else "none"

        def _approve(self, actor: Actor, campaign: str, *, glass: bool = False) -> object:
            proposal = self._id(campaign)
            return decide.approve(
                self.ledger, self.terms, proposal, actor, comment="x", break_glass=glass
            )

        def _decide(self, actor: Actor, campaign: str, action: Action) -> object:
            proposal = self._id(campaign)
            return decide.decide(self.ledger, self.terms, proposal, action, actor, comment="x")

    return Decisions


def walk(open_ledger: Open, steps: int) -> None:
    """Walk so many steps, in walks of ``WALK`` or fewer."""
    run_state_machine_as_test(
        machine(open_ledger),
        settings=settings(
            max_examples=-(-steps // WALK),
            stateful_step_count=min(WALK, steps),
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


@contextmanager
def on_duckdb(folder: Path) -> Iterator[Ledger]:
    yield ledgers.fresh(folder)


def test_no_walk_through_decisions_on_duckdb_breaks_an_invariant() -> None:
    walk(on_duckdb, STEPS)


@pytest.mark.emulator
def test_no_walk_through_decisions_on_bigquery_breaks_an_invariant(emulator: Emulator) -> None:
    walks = iter(range(1_000_000))

    @contextmanager
    def on_bigquery(folder: Path) -> Iterator[Ledger]:
        yield bigquery_ledger(emulator, f"decisions-{next(walks)}", folder)

    walk(on_bigquery, max(STEPS // 5, 20))


@pytest.mark.emulator
def test_many_events_are_one_append_on_bigquery_too(emulator: Emulator, tmp_path: Path) -> None:
    ledger = bigquery_ledger(emulator, "many-events", tmp_path)
    ledger = Ledger(ledger.warehouse, ledger.anchor, Memory())
    at = ledgers.in_force(ledger, ledgers.terms()).moment
    book = basis(ledger).book()
    turns = [Action.STOP, Action.RESUME] * 20
    ledger.append(
        book, [switch_event(turn, book.head, ledgers.ADA, at, "x") for turn in turns], label="turns"
    )
    present = basis(ledger)  # from the checkpoint on
    assert present.book().sequence == 1 + len(turns)
    assert ledger.warehouse.stages() == []
    assert "41 events form one chain" in verify(ledger)


def bigquery_ledger(emulator: Emulator, project: str, folder: Path) -> Ledger:
    chosen = WarehouseSettings(kind="bigquery", project=project, api_endpoint=emulator.rest_url)
    warehouse = BigQueryWarehouse(chosen)
    fill(warehouse)
    return Ledger(warehouse, Anchor(folder / "anchor.jsonl", "w"))


def test_many_processes_that_decide_on_one_proposal_make_one_decision(tmp_path: Path) -> None:
    ledger = ledgers.fresh(tmp_path)
    propose(ledger, ledgers.in_force(ledger, ledgers.terms()), created_by=SERVICE.name)
    child = subprocess.run(
        [sys.executable, "-m", "tests.faults.decide_at_once", str(tmp_path), str(PROCESSES)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert child.returncode == 0, child.stderr
    outcomes = child.stdout.split()
    assert len(outcomes) == PROCESSES
    assert outcomes.count("SHADOW_RECORDED") == 1
    assert set(outcomes) == {"SHADOW_RECORDED", "refused"}
    assert ledger.warehouse.query("SELECT * FROM canary.canary_changes").num_rows == 1
    assert "form one chain" in verify(ledger)
