"""A child process that can be killed, exports to ingest, and what is left of them to compare."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from pipelines.contracts import load_contracts
from pipelines.warehouse import Warehouse

ROOT = Path(__file__).parents[2]
# when and in which attempt something happened, and nothing else
VOLATILE = {"pulled_at", "staged_at", "published_at", "rejected_at", "occurred_at", "backfill_id"}


@dataclass
class Children:
    """Starts ingestions, one at a time, in processes of their own."""

    process: subprocess.Popen[str]
    log: Path
    requests: IO[str] = field(init=False)
    answers: IO[str] = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.requests, self.answers = self.process.stdin, self.process.stdout

    def start(
        self,
        target: dict[str, str],
        export: Path,
        boundary: str | None = None,
        **limits: int,
    ) -> int:
        """Start an ingestion; returns its process id."""
        request = {"target": target, "export": str(export), "boundary": boundary, **limits}
        request["trace"] = str(self.log.with_suffix(".trace"))
        self.requests.write(json.dumps(request) + "\n")
        self.requests.flush()
        return int(self.answers.readline())

    def boundaries(self) -> list[str]:
        """The step boundaries that the last ingestion passed, each once, in order."""
        return list(dict.fromkeys(self.log.with_suffix(".trace").read_text().splitlines()))

    def wait(self) -> int:
        """The exit status of the ingestion that was started last; negative: the signal."""
        return int(self.answers.readline())

    def run(
        self,
        target: dict[str, str],
        export: Path,
        boundary: str | None = None,
        **limits: int,
    ) -> int:
        """As :meth:`start`, then :meth:`wait`."""
        self.start(target, export, boundary, **limits)
        return self.wait()


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    yield from _children(tmp_path / "children.log")


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Children]:
    """Children that run at the same time as those of ``children``."""
    yield from _children(tmp_path / "others.log")


def _children(log: Path) -> Iterator[Children]:
    # through a pipe: a child whose files may not grow can still say what is wrong
    with (
        log.open("w") as output,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=output) as writer,
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.warm_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=writer.stdin,
            text=True,
            cwd=ROOT,
        ) as process,
    ):
        yield Children(process, log)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Three days of two campaigns with an ad each, as TikTok exports them."""
    path = tmp_path / "tiktok.csv"
    header = (
        "Date,Account ID,Currency,Campaign ID,Campaign name,Campaign status,"
        "Campaign daily budget,Ad group ID,Ad group name,Ad group status,Ad ID,Ad name,Ad status,"
        "Impressions,Clicks,Cost,Conversions,Total value"
    )
    lines = [
        f"06/{day:02d}/2026,7001002003,USD,{c},Campaign {c},Active,50,{c}1,Group {c},Active,"
        f"{c}11,Ad {c},Active,{1000 + day},{10 + c},{day}.{c}5,{c},{c}0.50"
        for day in (28, 29, 30)
        for c in (1, 2)
    ]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def contents(warehouse: Warehouse) -> dict[str, list[Any]]:
    """Every row of every table of ``raw``, less what tells the time, in one order."""
    found = {}
    for contract in load_contracts().values():
        if contract.dataset != "raw":
            continue
        names = ", ".join(n for n in contract.column_names if n not in VOLATILE)
        rows = warehouse.query(f"SELECT {names} FROM {contract.table}").to_pylist()
        found[contract.table] = sorted(rows, key=repr)
    return found
