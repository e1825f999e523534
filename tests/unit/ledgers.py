"""One ledger with decisions in it, made once a process and copied for whatever is done to it."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.policy_settings import GuardrailSettings, People, PolicySettings
from pipelines.proposals import decide
from pipelines.proposals.anchor import Anchor
from pipelines.proposals.events import SERVICE, Actor
from pipelines.proposals.govern import set_policy
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.policy import Policy
from pipelines.proposals.propose import propose
from pipelines.proposals.states import Action
from pipelines.proposals.terms import Terms
from pipelines.warehouse import Statement
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.ledger_rows import AS_OF, NOW, two_channels
from tests.unit.warehouse_files import leave_one_file

MIDNIGHT = datetime(2026, 7, 1, tzinfo=UTC)
CAPS = GuardrailSettings(cac_ceiling_micros=200_000_000)
ANN, BOB = Actor("ann", "person"), Actor("bob", "person")
ADA, EVE = Actor("ada", "person"), Actor("eve", "person")


PEOPLE = People(admins=("ada",), approvers={"marketing": ("ann", "bob"), "finance": ("eve",)})


def file(caps: GuardrailSettings = CAPS, **settings: Any) -> PolicySettings:
    """A policy file with everybody in it."""
    return PolicySettings.model_validate({"guardrails": caps, "people": PEOPLE, **settings})


def policy(caps: GuardrailSettings = CAPS, **settings: Any) -> Policy:
    return Policy.of(file(caps, **settings), "USD", "UTC")


def terms(caps: GuardrailSettings = CAPS, minutes: int = 0, **settings: Any) -> Terms:
    """The terms under a policy, so many minutes later."""
    now = NOW + timedelta(minutes=minutes)
    return Terms(policy=policy(caps, **settings), now=now, as_of=AS_OF, day_began=MIDNIGHT)


def in_force(ledger: Ledger, held: Terms) -> Terms:
    """The same terms, once ada has put their policy in force."""
    set_policy(ledger, held.policy, held.moment, ADA, comment=None)
    return held


def ids(ledger: Ledger) -> dict[str, str]:
    """The id of each campaign's proposal; m1's is a cut, g1's an increase, m2's a pause."""
    return {p.target.campaign_id: p.proposal_id for p in ledger.read().proposals}


def execute(ledger: Ledger, *statements: str) -> None:
    ledger.warehouse.transaction([Statement(sql) for sql in statements], label="test")


def at(folder: Path) -> Ledger:
    return Ledger(DuckDBWarehouse(folder / "w.duckdb"), Anchor(folder / "anchor.jsonl", "w"))


def fresh(folder: Path) -> Ledger:
    """A ledger without events."""
    _copy(_made().fresh, folder)
    return at(folder)


def decided(folder: Path) -> Ledger:
    """10 events: a policy, three proposals, a recorded cut of m1 and a rejected pause of m2; g1's
    increase is open."""
    _copy(_made().decided, folder)
    return at(folder)


def older(folder: Path) -> Ledger:
    """The same warehouse before the decisions, with the anchor as it is after them."""
    _copy(_made().decided, folder)
    shutil.copy(_made().proposed / "w.duckdb", folder / "w.duckdb")
    return at(folder)


def _copy(kept: Path, folder: Path) -> None:
    shutil.copytree(kept, folder, dirs_exist_ok=True)


class _Made(NamedTuple):
    fresh: Path
    proposed: Path
    decided: Path
    root: tempfile.TemporaryDirectory[str]  # removed with it, at the end of the process


@cache
def _made() -> _Made:
    root = tempfile.TemporaryDirectory()
    first, between, last = (Path(root.name) / step for step in ("0", "1", "2"))
    made = _Made(first, between, last, root)
    made.fresh.mkdir()
    two_channels(made.fresh / "w.duckdb")
    _copy(made.fresh, made.proposed)
    ledger = at(made.proposed)
    propose(ledger, in_force(ledger, terms()), created_by=SERVICE.name)
    leave_one_file(made.proposed / "w.duckdb")
    _copy(made.proposed, made.decided)
    ledger = at(made.decided)
    decide.approve(ledger, terms(minutes=1), ids(ledger)["m1"], ANN)
    decide.decide(ledger, terms(minutes=2), ids(ledger)["m2"], Action.REJECT, BOB, comment="no")
    leave_one_file(made.decided / "w.duckdb")
    return made
