"""Kills processes within checkpoints of a DuckDB file, ours or DuckDB's own, and counts losses.

``python -m tests.faults.checkpoint_kills --kills 200 [--by duckdb]``. Each process is forked from
one that has everything imported, publishes a batch, and checkpoints; a kill counts if the
checkpoint had begun and not ended. After each, another process opens the file, looks for every
batch that was published, and verifies the ledger. docs/ingestion-guarantees.md has the results.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb
import pandas  # noqa: F401  # what takes long to import is there before the forks

from pipelines.contracts import load_contract
from pipelines.proposals.anchor import Anchor
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.verify import verify
from pipelines.warehouse import Statement
from pipelines.warehouse import duckdb as warehouse_room
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.duckdb_file import fold, log_of
from tests.faults import traced
from tests.unit.ledger_rows import two_channels
from tests.unit.test_ledger import propose

SLICES, ROWS = 5, 20_000
TABLE = "raw.ads_campaign_performance"
_VALUES = {"STRING": "'x'", "DATE": "DATE '2026-06-01'", "TIMESTAMP": "TIMESTAMP '2026-06-01'"}


@dataclass
class Report:
    """What became of the kills.

    Args:
        within: how many fell within a checkpoint.
        losses: what was wrong after each that lost something.
        at: how many fell within which system call.
        seconds: what a checkpoint takes that is traced and not killed.
    """

    within: int = 0
    at: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    seconds: float = 0.0


def study(folder: Path, kills: int, *, by: str = "adcanary", batches: int = 10) -> Report:
    """Kill so many processes within checkpoints of one file.

    Args:
        by: who checkpoints: ``adcanary`` or ``duckdb``, which does it in place.
        batches: batches in the file at the start; 10 are about 10 MB.
    """
    path, report, chance = folder / "w.duckdb", Report(), random.Random(7)
    assert _run(lambda: _prepare(path, batches)) == 0
    checkpoint = {"adcanary": lambda: fold(path, 10.0), "duckdb": lambda: _in_place(path)}[by]
    published, changes, times, problem = 0, 1, list[float](), folder / "problem"

    def publish() -> None:
        nonlocal published
        published += 1
        assert _run(lambda: _publish(path, published)) == 0

    for _ in range(3):
        publish()
        began = time.monotonic()
        changes = max(changes, traced.run(checkpoint).changes)
        times.append(time.monotonic() - began)
    report.seconds = statistics.median(times)
    publish()
    while report.within < kills:
        before = _copied(path, folder / "before" / path.name)
        ending = traced.run(checkpoint, chance.randrange(changes), chance.random())
        changes = max(changes, ending.changes)
        report.within += ending.status == -signal.SIGKILL
        report.at[ending.at] += 1
        if _run(partial(_check_and_publish, path, published, problem)) == 0:
            published += 1
        else:
            report.losses.append(f"{ending.at}: {problem.read_text()}")
            _copied(before, path)
        if report.within % 20 == 0:
            print(f"{report.within} kills, {len(report.losses)} losses", file=sys.stderr)
    return report


def _prepare(path: Path, batches: int) -> None:
    warehouse = two_channels(path)
    assert propose(_ledger(warehouse)).created
    for n in range(-batches * SLICES, 0, SLICES):
        _publish(path, n, f"a{n}")
    fold(path)


def _ledger(warehouse: DuckDBWarehouse) -> Ledger:
    return Ledger(warehouse, Anchor(warehouse.path.with_suffix(".jsonl"), "w"))


def _publish(path: Path, number: int, account: str | None = None) -> None:
    """Replace one slice, as landing does, and leave the log where it is."""
    account = account or f"s{number % SLICES}"
    contract = load_contract(TABLE)
    required = {c.name: c for c in contract.columns if not c.nullable}
    values = {name: _VALUES.get(c.type, "n") for name, c in required.items()}
    values |= {"account_id": f"'{account}'", "campaign_id": "CAST(n AS STRING)"}
    values |= {"status": f"'batch {number}'"}
    rows = f"UNNEST(GENERATE_ARRAY(1, {ROWS})) AS n"
    warehouse_room._LOG_BYTES = 1 << 40
    DuckDBWarehouse(path).transaction(
        [
            Statement(f"DELETE FROM {TABLE} WHERE account_id = '{account}'"),
            Statement(
                f"INSERT INTO {TABLE} ({', '.join(values)}) "
                f"SELECT {', '.join(values.values())} FROM {rows}"
            ),
        ],
        label="publish",
    )


def _in_place(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CHECKPOINT")


def _check_and_publish(path: Path, newest: int, problem: Path) -> None:
    """Whether every batch that was published is there, and the ledger holds; then the next one."""
    try:
        warehouse = DuckDBWarehouse(path)
        rows = warehouse.query(
            f"SELECT account_id, MIN(status) AS a, MAX(status) AS b, COUNT(*) AS n, "
            f"SUM(impressions) AS total FROM {TABLE} GROUP BY account_id"
        ).to_pylist()
        present = {row["account_id"]: (row["a"], row["b"], row["n"]) for row in rows}
        for n in range(max(newest - SLICES + 1, 1), newest + 1):
            assert present[f"s{n % SLICES}"] == (f"batch {n}", f"batch {n}", ROWS), f"batch {n}"
        verify(_ledger(warehouse))
        _publish(path, newest + 1)
    except BaseException as error:
        problem.write_text(str(error))
        raise


def _copied(path: Path, target: Path) -> Path:
    """Copy a file with its log over another with its own."""
    target.parent.mkdir(exist_ok=True)
    for suffix in ("", ".wal"):
        log_of(target, suffix).unlink(missing_ok=True)
        if log_of(path, suffix).exists():
            shutil.copyfile(log_of(path, suffix), log_of(target, suffix))
    return target


def _run(work: Callable[[], object]) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(_fork(work), 0)[1])


def _fork(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc(limit=-1)
    os._exit(status)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--by", choices=("adcanary", "duckdb"), default="adcanary")
    parser.add_argument("--batches", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="adcanary-kills-") as folder:
        report = study(Path(folder), args.kills, by=args.by, batches=args.batches)
        size = (Path(folder) / "w.duckdb").stat().st_size >> 20
    print(f"{report.within} kills within checkpoints by {args.by} of a file of {size} MB")
    print(", ".join(f"{n} within {call}" for call, n in report.at.most_common()))
    print(f"a checkpoint takes {report.seconds:.3f} s; {len(report.losses)} lost something")
    for reason in sorted({loss.split("\n")[0][:150] for loss in report.losses}):
        print(f"  {reason}")
    sys.exit(bool(report.losses))


if __name__ == "__main__":
    main()
