"""How long the review page's pages take, with many proposals and events, while a flow writes.

``python -m tests.bench.review_pages``: makes the world (or takes the one in ``--folder``), starts
``adcanary review`` on it and a process that lands batch after batch in the same DuckDB file, then
asks for every page again and again. docs/benchmarks.md has the results.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from pipelines.cli.console import Format, out, print_rows
from tests.bench.review_world import build

_START_SECONDS = 180
_WRITER = """
import sys, time
from pathlib import Path
import pyarrow as pa
from pipelines.config import load_settings
from pipelines.contracts import load_contract
from pipelines.warehouse import Slice, open_warehouse
from pipelines.warehouse.base import publish_stage
contract = load_contract("contracts.pacing_daily")
warehouse = open_warehouse(load_settings(Path(sys.argv[1])), create=False)
rows = pa.Table.from_pylist(
    [{"run_id": "bench", "as_of": None, "campaign_id": f"c{n}", "classification": "HEALTHY"}
     for n in range(200_000)],
    schema=pa.schema([pa.field(c.name, c.arrow_type) for c in contract.columns]))
import datetime
day = datetime.date(2026, 6, 30)
for name in ("as_of", "date"):
    place = rows.column_names.index(name)
    rows = rows.set_column(place, name, pa.array([day] * len(rows), pa.date32()))
for name in ("model_version", "input_snapshot", "platform", "account_id", "currency_code"):
    place = rows.column_names.index(name)
    rows = rows.set_column(place, name, pa.array(["USD"] * len(rows)))
n = 0
while True:
    with warehouse.unit():
        stage = warehouse.stage(contract, "flow", rows)
        publish_stage(warehouse, contract, Slice(contract.table, {"run_id": "bench"}), stage,
                      run_id="bench")
        warehouse.drop_stages([stage])
        held = time.monotonic()
        while time.monotonic() < held + 2:  # works on, as a long unit does
            sum(range(10_000))
    n += 1
    print(n, flush=True)
    time.sleep(0.5)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, help="a world that was made before")
    parser.add_argument("--proposals", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=60, help="of each page")
    parser.add_argument("--alone", action="store_true", help="without the process that writes")
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder:
        world = args.folder or Path(folder)
        if not args.folder:
            build(world, args.proposals, args.events)
        config = world / "adcanary.yaml"
        with _serving(config) as (url, process, seconds), _writing(config, args.alone):
            rows = _ask(url, args.requests)
            memory = _memory(process.pid)
    title = f"Milliseconds by page, {args.requests} requests each; one at a time"
    print_rows(rows, args.format, title)
    if args.format is Format.TABLE:
        out.print(f"ready after {seconds:.1f} s; the server's memory: {memory:,.0f} MB at most")


@contextmanager
def _serving(config: Path) -> Iterator[tuple[str, subprocess.Popen[str], float]]:
    """The page, once it answers with proposals; how long that took."""
    command = ["-m", "pipelines.cli", "review", "--port", "0", "--as", "ann"]
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *command, "--config", str(config)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    match = re.search(r"http://\S+", process.stdout.readline())
    assert match
    url = match[0]
    try:
        while time.monotonic() < began + _START_SECONDS:
            try:
                if "/proposals/p-" in httpx.get(f"{url}/inbox", timeout=60).text:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        yield url, process, time.monotonic() - began
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _writing(config: Path, alone: bool) -> Iterator[None]:
    if alone:
        yield
        return
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(config)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _ask(url: str, requests: int) -> list[dict[str, Any]]:
    chance = random.Random(1)
    ids = [f"p-{number:012x}" for number in range(10_000)]
    pages = {
        "overview": lambda: "/",
        "inbox": lambda: f"/inbox?page={chance.randrange(1, 300)}",
        "inbox, by expiry": lambda: f"/inbox?order=expiry&page={chance.randrange(1, 300)}",
        "inbox, a text": lambda: f"/inbox?text={chance.randrange(1000)}",
        "proposal": lambda: f"/proposals/{chance.choice(ids)}",
        "revisions": lambda: f"/proposals/{chance.choice(ids)}/revisions",
        "revisions, older ones": lambda: f"/proposals/{chance.choice(ids)}/revisions?to=20",
        "audit trail": lambda: f"/audit?page={chance.randrange(1, 10_000)}",
        "audit trail, of one": lambda: f"/audit?actor={chance.choice(['ann', 'bob'])}",
        "run": lambda: "/runs/mmm-r1",
        "scorecard": lambda: "/scorecard",
        "kill switch": lambda: "/kill-switch",
    }
    rows = []
    times: dict[str, list[float]] = {name: [] for name in pages}
    late = dict.fromkeys(pages, 0)
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(requests):
            for name, path in pages.items():
                began = time.perf_counter()
                answer = client.get(path())
                times[name].append((time.perf_counter() - began) * 1000)
                assert answer.status_code in (200, 404), answer.status_code
                late[name] += "can’t be read yet" in answer.text
    for name, spent in times.items():
        p50, p95, most = np.percentile(spent, [50, 95, 100])
        rows.append(
            {
                "page": name,
                "p50": round(p50, 1),
                "p95": round(p95, 1),
                "max": round(most, 1),
                "while held": late[name],
            }
        )
    return rows


def _memory(pid: int) -> float:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+)", status)
    assert match
    return int(match[1]) / 1024


if __name__ == "__main__":
    main()
