"""Fault 2: two processes ingest the same slices at once; one publishes, the other says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Children, contents
from tests.faults.warm_child import open_warehouse
from tests.wire.bigquery_emulator import Emulator

ROUNDS = 3


def race(
    children: Children, others: Children, target: dict[str, str], export: Path
) -> tuple[list[str], list[str]]:
    """Both ingest at once; what each said of its batches, in that round."""
    logs = [c.log for c in (children, others)]
    before = [len(log.read_text()) for log in logs]
    open_warehouse(target)
    children.start(target, export)
    others.start(target, export)
    assert [children.wait(), others.wait()] == [0, 0], logs[0].read_text() + logs[1].read_text()
    said = [log.read_text()[start:] for log, start in zip(logs, before, strict=True)]
    first, second = ([line for line in s.splitlines() if "7001002003" in line] for s in said)
    return first, second


def check_one_result(
    children: Children, others: Children, targets: list[dict[str, str]], export: Path
) -> None:
    clean, *raced = targets
    assert children.run(clean, export) == 0
    expected = contents(open_warehouse(clean))
    for target in raced:
        first, second = race(children, others, target, export)
        warehouse = open_warehouse(target)
        assert contents(warehouse) == expected
        assert warehouse.stages() == []
        assert len(first) == len(second) == len(expected["raw.load_ledger"])
        for one, other in zip(first, second, strict=True):
            published = [line for line in (one, other) if ": published," in line]
            assert len(published) == 1, (one, other)
            assert any(": unchanged," in line for line in (one, other)), (one, other)


def test_of_two_at_once_on_one_duckdb_file_each_batch_is_published_by_one(
    children: Children, others: Children, export: Path, tmp_path: Path
) -> None:
    targets = [{"path": str(tmp_path / f"{n}.duckdb")} for n in range(1 + ROUNDS)]
    check_one_result(children, others, targets, export)


@pytest.mark.emulator
def test_of_two_at_once_on_one_bigquery_project_each_batch_is_published_by_one(
    children: Children, others: Children, export: Path, emulator: Emulator
) -> None:
    targets = [{"url": emulator.rest_url, "project": f"race-{n}"} for n in range(1 + ROUNDS)]
    check_one_result(children, others, targets, export)
