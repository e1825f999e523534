"""A process that has verified the ledger goes on from there, and misses nothing that it uses."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from pipelines.errors import DecisionRefused, IntegrityError
from pipelines.proposals import decide
from pipelines.proposals.anchor import Anchor
from pipelines.proposals.book import Book
from pipelines.proposals.checkpoint import Checkpoint, Memory, basis
from pipelines.proposals.events import SERVICE, make_event
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.review import beforehand
from pipelines.proposals.states import Action
from pipelines.proposals.terms import Terms
from pipelines.proposals.verify import verified, verify
from pipelines.warehouse import open_warehouse
from tests.e2e.review_world import two_campaigns
from tests.faults.test_decisions import machine
from tests.unit import ledgers
from tests.unit.ledgers import ADA, ANN, BOB, EVE, decided, execute, ids, in_force, terms

pytestmark = pytest.mark.slow

T = TypeVar("T")


def later(minutes: int) -> Terms:
    """Terms under the policy that is put in force after the checkpoint."""
    return terms(minutes=minutes, max_open_proposals=7)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten events, then a checkpoint (a copy of the folder as it was then is kept), then another
    policy, second revisions, a recorded one among them, and a rejection."""
    folder = tmp_path_factory.mktemp("grown")
    ledger = decided(folder / "now")
    shutil.copytree(folder / "now", folder / "then")
    in_force(ledger, later(5))
    propose(ledger, later(6), created_by=SERVICE.name)
    decide.approve(ledger, later(7), ids(ledger)["g1"], EVE)
    return folder


def remembered(grown: Path, folder: Path) -> Ledger:
    """The ledger now, by a process that verified it at the checkpoint."""
    shutil.copytree(grown / "then", folder)
    memory = Memory()
    ledger = ledgers.at(folder)
    ledger = Ledger(ledger.warehouse, ledger.anchor, memory)
    assert basis(ledger) is memory.checkpoint
    assert memory.checkpoint
    assert memory.checkpoint.sequence == 10
    shutil.copytree(grown / "now", folder, dirs_exist_ok=True)
    return ledger


def said(book: Book) -> object:
    """All that decisions take from a book."""
    proposals = {p.proposal_id: p for p in book.proposals}
    lasting = [e for e in book.events if e.action in {Action.RECORD, Action.REVOKE}]
    standing = (book.policy_event, book.stop, book.stopped, book.events[-1:], lasting)
    touched = [book.touched_since(n) for n in range(-1, book.sequence + 1)]
    return proposals, book.sequence, book.head, standing, touched


def test_the_book_is_the_one_that_all_events_make(grown: Path, tmp_path: Path) -> None:
    ledger = remembered(grown, tmp_path / "w")
    present = basis(ledger)
    whole = verified(ledger)
    assert isinstance(present, Checkpoint)
    assert present.sequence == len(whole.events) > 10
    assert said(present.book()) == said(whole.book())
    for stored in present.book().proposals:
        assert present.baseline(stored) == whole.baseline(stored)


OPENED = "proposal_id IN (SELECT proposal_id FROM canary.canary_events WHERE action = 'record')"
BENT = {
    "a later event's comment": "UPDATE canary.canary_events SET comment = 'z' WHERE sequence = 12",
    "a later event is gone": "DELETE FROM canary.canary_events WHERE sequence = 12",
    "the last event is gone": "DELETE FROM canary.canary_events WHERE sequence > 14",
    "the checkpoint's event is gone": "DELETE FROM canary.canary_events WHERE sequence = 10",
    "an event is there twice": (
        "INSERT INTO canary.canary_events SELECT * FROM canary.canary_events WHERE sequence = 4"
    ),
    "an event without a number": (
        "INSERT INTO canary.canary_events (sequence, event_id, previous_hash, proposal_id, "
        "revision, content_hash, action, from_state, to_state, actor, actor_kind, occurred_at) "
        "SELECT 0, event_id, previous_hash, proposal_id, revision, content_hash, 'revoke', "
        "from_state, to_state, actor, actor_kind, occurred_at FROM canary.canary_events "
        "WHERE sequence = 4"
    ),
    "a later revision": "UPDATE canary.canary_proposals SET urgency = 'LOW' WHERE revision = 2",
    "a later revision is gone": "DELETE FROM canary.canary_proposals WHERE revision = 2",
    "an earlier revision is gone": "DELETE FROM canary.canary_proposals WHERE revision = 1",
    "a revision is there twice": (
        "INSERT INTO canary.canary_proposals SELECT * FROM canary.canary_proposals "
        "WHERE revision = 1 LIMIT 1"
    ),
    "a later baseline": (
        "UPDATE canary.canary_budgets_snapshot SET daily_budget_micros = 1 WHERE revision = 2"
    ),
    "an earlier baseline is gone": "DELETE FROM canary.canary_budgets_snapshot WHERE revision = 1",
    "an earlier change": "UPDATE canary.canary_changes SET to_value = '1' WHERE revision = 1",
    "an earlier change is gone": "DELETE FROM canary.canary_changes WHERE revision = 1",
    "a change is there twice": (
        "INSERT INTO canary.canary_changes SELECT * FROM canary.canary_changes WHERE revision = 1"
    ),
    "a later change": "UPDATE canary.canary_changes SET to_value = '1' WHERE revision = 2",
    "a later change is gone": "DELETE FROM canary.canary_changes WHERE revision = 2",
    "a change of nobody's": (
        "UPDATE canary.canary_changes SET proposal_id = 'p-x' WHERE revision = 2"
    ),
    "a recorded revision": (
        f"UPDATE canary.canary_proposals SET currency_code = 'EUR' WHERE revision = 1 AND {OPENED}"
    ),
    "a record that is a revocation": (
        "UPDATE canary.canary_events SET action = 'revoke' WHERE sequence <= 10 "
        "AND action = 'record'"
    ),
    "an event that is a revocation": (
        "UPDATE canary.canary_events SET action = 'revoke' WHERE sequence = 4"
    ),
    "an earlier policy": (
        "UPDATE canary.canary_events SET policy = '{}' WHERE action = 'set_policy' "
        "AND sequence <= 10"
    ),
    "the head": "UPDATE canary.canary_head SET sequence = 11 WHERE TRUE",
    "two heads": "INSERT INTO canary.canary_head SELECT * FROM canary.canary_head",
}


@pytest.mark.parametrize("what", BENT)
def test_whatever_was_bent_that_a_decision_rests_on_is_refused(
    grown: Path, tmp_path: Path, what: str
) -> None:
    ledger = remembered(grown, tmp_path / "w")
    execute(ledger, BENT[what])
    with pytest.raises(IntegrityError) as whole:
        verify(ledger)
    for _ in range(2):  # and again, once the checkpoint is given up
        with pytest.raises(IntegrityError) as refused:
            decide.decide(
                ledger,
                later(9),
                ids(ledgers.at(grown / "now"))["m2"],
                Action.REJECT,
                BOB,
                comment="no",
            )
        assert str(refused.value) == str(whole.value)


def test_an_older_copy_that_is_put_back_is_refused(grown: Path, tmp_path: Path) -> None:
    ledger = remembered(grown, tmp_path / "w")
    assert basis(ledger).book().sequence > 10
    shutil.copy(grown / "then" / "w.duckdb", tmp_path / "w")
    (tmp_path / "w" / "w.duckdb.wal").unlink(missing_ok=True)
    with pytest.raises(IntegrityError, match="older copy of the warehouse was put back"):
        basis(ledger)


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_an_anchor_that_was_cut_is_refused(grown: Path, tmp_path: Path, kept: int) -> None:
    ledger = remembered(grown, tmp_path / "w")
    assert isinstance(ledger.anchor, Anchor)
    lines = ledger.anchor.path.read_bytes().splitlines(keepends=True)
    ledger.anchor.path.write_bytes(b"".join(lines[: len(lines) - 4 + kept]))
    with pytest.raises(IntegrityError, match="the file was cut"):
        basis(ledger)


def test_a_row_that_no_decision_reads_is_left_to_the_whole_verification(
    grown: Path, tmp_path: Path
) -> None:
    """What makes it quick: of what was verified, only what decisions read is looked at again."""
    ledger = remembered(grown, tmp_path / "w")
    execute(
        ledger,
        "UPDATE canary.canary_events SET comment = 'z' WHERE sequence < 10 AND action = 'submit'",
    )
    assert isinstance(basis(ledger), Checkpoint)
    with pytest.raises(IntegrityError, match="a value was changed"):
        verify(ledger)
    with pytest.raises(IntegrityError, match="a value was changed"):
        basis(ledgers.at(tmp_path / "w"))  # a process that begins verifies all


def test_decisions_go_on_from_a_new_anchor_too(grown: Path, tmp_path: Path) -> None:
    ledger = remembered(grown, tmp_path / "w")
    decide.accept_anchor(ledger, later(20), ADA, comment="moved")
    held = later(21)
    decide.decide(ledger, held, ids(ledger)["g1"], Action.REVOKE, ANN, comment="no")
    assert "form one chain" in verify(ledger)


def test_no_walk_through_decisions_parts_the_book_from_the_events() -> None:
    @contextmanager
    def on_duckdb(folder: Path) -> Iterator[Ledger]:
        ledger = ledgers.fresh(folder)
        yield Ledger(ledger.warehouse, ledger.anchor, Memory())

    class Remembering(machine(on_duckdb)):  # type: ignore[misc]
        @invariant()
        def the_book_is_the_one_that_all_events_make(self) -> None:
            present = basis(self.ledger)
            assert isinstance(present, Checkpoint)
            assert said(present.book()) == said(verified(self.ledger).book())

    run_state_machine_as_test(
        Remembering,
        settings=settings(
            max_examples=2,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def test_a_decision_that_others_overtook_is_refused(grown: Path, tmp_path: Path) -> None:
    ledger = remembered(grown, tmp_path / "w")
    book, chosen = basis(ledger).book(), ids(ledger)["g1"]
    late = make_event(
        book.proposal(chosen), Action.REVOKE, ANN, book.at(terms(minutes=9).moment), comment="x"
    )
    other = ledgers.at(tmp_path / "w")
    decide.decide(other, later(9), chosen, Action.REVOKE, BOB, comment="no")
    with pytest.raises(DecisionRefused, match="Somebody else decided at the same moment"):
        ledger.append(book, [late], label="revoke")
    assert said(basis(ledger).book()) == said(verified(other).book())


def test_a_page_can_verify_beforehand_in_a_process_of_its_own(tmp_path: Path) -> None:
    settings = two_campaigns(tmp_path)
    memory = Memory()
    beforehand.begin(settings, memory).join()
    filled = memory.checkpoint
    assert filled
    ledger = open_ledger(open_warehouse(settings), settings, memory)
    assert said(filled.book()) == said(verified(ledger).book())
    assert basis(ledger) == filled  # a decision goes on from it
    execute(ledger, "UPDATE canary.canary_head SET sequence = 1 WHERE TRUE")
    broken = Memory()
    beforehand.begin(settings, broken).join()
    assert broken.checkpoint is None  # the first decision says why


_PAGE = """
import sys, threading
from pathlib import Path
from pipelines.config import load_settings
from pipelines.proposals.checkpoint import Memory
from pipelines.proposals.review import beforehand
if __name__ == "__main__":
    beforehand.begin(load_settings(Path(sys.argv[1])), Memory())
    threading.Event().wait()
"""


def test_what_verifies_beforehand_ends_with_the_page(tmp_path: Path) -> None:
    settings = two_campaigns(tmp_path)
    (tmp_path / "page.py").write_text(_PAGE)
    with duckdb.connect(str(settings.warehouse.path)):  # held: there is nothing to read yet
        page = subprocess.Popen([sys.executable, str(tmp_path / "page.py"), str(settings.path)])
        try:
            verifies = eventually(lambda: children(page.pid, "spawn_main"))[0]
            time.sleep(3)  # it has begun
            assert alive(verifies)
        finally:
            page.kill()
            page.wait()
        eventually(lambda: not alive(verifies), 10)  # long before it gives the file up


def children(pid: int, command: str) -> list[int]:
    listed = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(p) for p in " ".join(listed).split() if command in cmdline(int(p))]


def cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    return "spawn_main" in cmdline(pid)


def eventually(look: Callable[[], T], seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return seen
