"""The anchor fails closed, and a process may be killed at any instant."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import Settings, WarehouseSettings
from pipelines.errors import AdcanaryError, DecisionRefused, IntegrityError
from pipelines.proposals import anchor as anchor_module
from pipelines.proposals import decide
from pipelines.proposals.anchor import Anchor
from pipelines.proposals.events import SERVICE
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.states import Action
from pipelines.proposals.verify import verify
from tests.unit.ledgers import ADA, ANN, BOB, at, decided, fresh, ids, in_force, older, terms

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process ends here: nothing handles it."""


def path(ledger: Ledger) -> Path:
    assert ledger.anchor
    return ledger.anchor.path


def reject(ledger: Ledger, minutes: int = 5) -> None:
    decide.decide(
        ledger, terms(minutes=minutes), ids(ledger)["g1"], Action.REJECT, BOB, comment=None
    )


def refused(ledger: Ledger, said: str) -> None:
    """Verifying, deciding and proposing are each refused in words, and nothing is written."""
    count, kept = len(ledger.events()), path(ledger).exists() and path(ledger).read_bytes()
    for attempt in (
        lambda: verify(ledger),
        lambda: reject(ledger),
        lambda: propose(ledger, terms(minutes=5), created_by=SERVICE.name),
    ):
        with pytest.raises(AdcanaryError, match=said):
            attempt()
    assert (len(ledger.events()), path(ledger).exists() and path(ledger).read_bytes()) == (
        count,
        kept,
    )


SPOILT: dict[str, tuple[Callable[[list[bytes]], bytes], str]] = {
    "emptied": (lambda rows: b"", "line 1: the file is empty"),
    "only its first line": (lambda rows: rows[0], "it isn't in .*the file was cut"),
    "last line cut off": (lambda rows: b"".join(rows[:-1]), "it isn't in .*the file was cut"),
    "middle line cut out": (lambda rows: rows[0] + b"".join(rows[2:]), "the file was cut"),
    "torn": (lambda rows: b"".join(rows)[:-9], "line 5: it was cut off"),
    "torn within the first line": (lambda rows: rows[0][:9], "line 1: it was cut off"),
    "a blank line": (lambda rows: b"".join(rows) + b"\n", "line 6: it isn't one of adcanary's"),
    "foreign": (lambda rows: b"".join(rows) + b'{"a": 1}\n', "line 6: it isn't one of"),
    "not text": (lambda rows: b"\xff\xfe\n", "line 1: it isn't one of"),
    "a line twice": (lambda rows: b"".join(rows) + rows[-1], "line 6: it is out of order"),
    "another's": (
        lambda rows: b'{"anchor":"ab","warehouse":"w"}\n' + b"".join(rows[1:]),
        "another ledger's",
    ),
    "another warehouse's": (
        lambda rows: rows[0].replace(b'"w"', b'"v"') + b"".join(rows[1:]),
        "it is of the warehouse 'v', not w",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_anchor_is_refused_in_words_until_a_person_accepts(
    tmp_path: Path, how: str
) -> None:
    ledger = decided(tmp_path)
    spoil, said = SPOILT[how]
    path(ledger).write_bytes(spoil(path(ledger).read_bytes().splitlines(keepends=True)))
    refused(ledger, said)
    decide.accept_anchor(ledger, terms(minutes=4), ADA, comment="the disk was full")
    assert "ada began a new anchor: the disk was full" in verify(ledger)
    reject(ledger)
    assert len([*path(ledger).parent.glob("*.replaced-1")]) == 1


def test_a_missing_anchor_is_refused_unless_there_are_no_events(tmp_path: Path) -> None:
    ledger = decided(tmp_path)
    path(ledger).unlink()
    refused(ledger, "is not there(?s:.*)adcanary audit anchor --accept")


def test_an_older_copy_of_the_warehouse_is_refused(tmp_path: Path) -> None:
    refused(older(tmp_path), "an older copy of the warehouse was put back")


@pytest.mark.parametrize("spoil", ["a folder", "no folder"])
def test_an_anchor_that_cannot_be_written_refuses_the_decision_before_it_is_committed(
    tmp_path: Path, spoil: str
) -> None:
    ledger = decided(tmp_path)
    if spoil == "a folder":  # where the next line would be announced
        Path(f"{path(ledger)}.pending.new").mkdir()
        blocked = ledger
    else:
        blocked = Ledger(ledger.warehouse, Anchor(tmp_path / "w.duckdb" / "anchor.jsonl", "w"))
    count = len(ledger.events())
    with pytest.raises((DecisionRefused, IntegrityError), match=r"can't be (written|read)"):
        reject(blocked)
    assert len(ledger.events()) == count
    assert "form one chain" in verify(ledger)


def _die(*_: Any, **__: Any) -> None:
    raise Killed


def _then_die(call: Callable[..., Any]) -> Callable[..., None]:
    def wrapped(*arguments: Any, **more: Any) -> None:
        call(*arguments, **more)
        raise Killed

    return wrapped


def _torn(ledger: Anchor, line: anchor_module.Line) -> None:
    with ledger.path.open("ab") as file:
        file.write(line.text()[:11])
    raise Killed


KILLS: dict[str, tuple[Callable[[pytest.MonkeyPatch, Ledger], None], bool]] = {
    "before it is announced": (lambda m, _: m.setattr(Anchor, "announce", _die), False),
    "once it is announced": (
        lambda m, _: m.setattr(Anchor, "announce", _then_die(Anchor.announce)),
        False,
    ),
    "in the transaction": (lambda m, _: m.setattr(Ledger, "_commit", _die), False),
    "once it is committed": (
        lambda m, _: m.setattr(Ledger, "_commit", _then_die(Ledger._commit)),
        True,
    ),
    "within the anchor's line": (lambda m, _: m.setattr(Anchor, "confirm", _torn), True),
    "before the line is on the disk": (lambda m, _: _at_fsync(m, 3), True),
    "at the end": (lambda m, _: m.setattr(Anchor, "confirm", _then_die(Anchor.confirm)), True),
}


def _at_fsync(patch: pytest.MonkeyPatch, nth: int) -> None:
    calls = []

    def fsync(file: Any) -> None:
        calls.append(file)
        if len(calls) == nth:
            raise Killed

    patch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("instant", KILLS)
def test_a_decision_killed_at_any_instant_is_recorded_or_not_and_the_next_one_knows(
    tmp_path: Path, instant: str
) -> None:
    ledger = decided(tmp_path)
    before = len(ledger.events())
    kill, committed = KILLS[instant]
    with pytest.MonkeyPatch.context() as patch:
        kill(patch, ledger)
        with pytest.raises(Killed):
            reject(ledger)
    assert len(ledger.events()) == before + committed
    assert f"{before + committed} events form one chain" in verify(ledger)
    later = at(tmp_path)
    if committed:
        with pytest.raises(DecisionRefused, match="A proposal that is REJECTED"):
            reject(later)
        decide.accept_anchor(later, terms(minutes=6), ADA, comment=None)
    else:
        reject(later, minutes=6)
    assert f"{before + 1 + committed} events form one chain" in verify(later)


@pytest.mark.parametrize("nth", range(1, 12))
def test_the_first_run_killed_at_any_write_is_done_by_the_next(tmp_path: Path, nth: int) -> None:
    ledger = fresh(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        _at_fsync(patch, nth)
        try:
            propose(ledger, in_force(ledger, terms()), created_by=SERVICE.name)
        except Killed:
            assert nth < 11
    propose(ledger, in_force(ledger, terms(minutes=1)), created_by=SERVICE.name)
    assert "7 events form one chain" in verify(ledger)


def test_accepting_is_a_persons_and_only_for_the_anchor(tmp_path: Path) -> None:
    ledger = decided(tmp_path)
    assert "began a new anchor" not in verify(ledger)
    with pytest.raises(DecisionRefused, match="ann is no admin: ada may begin a new anchor"):
        decide.accept_anchor(ledger, terms(minutes=4), ANN, comment=None)
    decide.accept_anchor(ledger, terms(minutes=4), ADA, comment=None)
    decide.accept_anchor(ledger, terms(minutes=4), ADA, comment=None)
    assert len([*path(ledger).parent.glob("*.replaced-*")]) == 2
    assert "Event 12, 2026-07-01 09:04 UTC: ada began a new anchor." in verify(ledger)


def test_an_anchor_is_named_after_its_warehouse_and_moves_with_its_folder(tmp_path: Path) -> None:
    def name(folder: str, **warehouse: Any) -> str:
        settings = Settings(
            path=tmp_path / folder / "adcanary.yaml", warehouse=WarehouseSettings(**warehouse)
        )
        return Anchor.beside(settings).path.name

    here, there = (name("a", path=tmp_path / "a" / d / "w.duckdb") for d in ("here", "there"))
    assert here != there
    assert name("b", path=tmp_path / "b" / "here" / "w.duckdb") == here
    assert name("a", kind="bigquery", project="w") != name("a", kind="bigquery", project="v")
