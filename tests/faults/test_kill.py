"""Fault 1: an ingestion is killed wherever it stands; the next one ends as if it never was."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Children, contents
from tests.faults.warm_child import open_warehouse
from tests.wire.bigquery_emulator import Emulator

# Kills at random instants follow those at every boundary. `ADCANARY_KILLS=200 pytest
# tests/faults/test_kill.py` aims more of them, for minutes.
DUCKDB_KILLS = int(os.environ.get("ADCANARY_KILLS", "45"))
BIGQUERY_KILLS = int(os.environ.get("ADCANARY_KILLS", "30"))
# Several kills before each run to the end: the second hits what the first one left behind.
KILLS_A_CHAIN = 3


def finish(children: Children, target: dict[str, str], export: Path) -> dict[str, list[Any]]:
    """What is in a warehouse after a run that nobody kills; no stage may be left."""
    assert children.run(target, export) == 0, children.log.read_text()[-3000:]
    warehouse = open_warehouse(target)
    assert warehouse.stages() == []
    return contents(warehouse)


def kill_at(
    children: Children, target: dict[str, str], export: Path, boundaries: list[str]
) -> None:
    """Kill one run after the other at step boundaries; each goes on from where the last fell."""
    for boundary in boundaries:
        status = children.run(target, export, boundary)
        assert status == -signal.SIGKILL, f"{boundary}\n{children.log.read_text()[-3000:]}"


def kill_within(
    children: Children, target: dict[str, str], export: Path, instants: list[float]
) -> int:
    """Kill runs that many seconds after their start; how many had not ended before."""
    killed = 0
    for instant in instants:
        pid = children.start(target, export)
        select.select([children.answers], [], [], instant)  # one that has ended needs no waiting
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        killed += children.wait() == -signal.SIGKILL
    return killed


def kill_everywhere(
    children: Children, targets: Iterator[dict[str, str]], export: Path, *, kills: int, step: int
) -> None:
    """Kill at every ``step``-th boundary and then at random instants, ``kills`` times at least,
    and hold every table against the clean run's."""
    expected = finish(children, next(targets), export)
    assert len(expected["raw.load_ledger"]) == 4
    boundaries = children.boundaries()[::step]
    at_boundaries = next(targets)
    kill_at(children, at_boundaries, export, boundaries)
    assert finish(children, at_boundaries, export) == expected
    chance, killed = random.Random(7), len(boundaries)
    began = time.monotonic()
    assert finish(children, next(targets), export) == expected
    seconds = time.monotonic() - began
    while killed < kills:
        target = next(targets)
        # ever earlier: what the one before published is passed quickly
        instants = [chance.uniform(0.1, seconds / (1 + n)) for n in range(KILLS_A_CHAIN)]
        killed += kill_within(children, target, export, instants)
        assert finish(children, target, export) == expected


def test_kills_leave_duckdb_as_one_clean_run(
    children: Children, export: Path, tmp_path: Path
) -> None:
    targets = ({"path": str(tmp_path / f"{n}.duckdb")} for n in count())
    kill_everywhere(children, targets, export, kills=DUCKDB_KILLS, step=1)


@pytest.mark.emulator
def test_kills_leave_bigquery_as_one_clean_run(
    children: Children, export: Path, emulator: Emulator
) -> None:
    targets = ({"url": emulator.rest_url, "project": f"kill-{n}"} for n in count())
    kill_everywhere(children, targets, export, kills=BIGQUERY_KILLS, step=3)
