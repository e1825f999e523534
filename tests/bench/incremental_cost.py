"""What an ordinary day's dbt build reads, after 30, 120 and 480 days of history.

``python -m tests.bench.incremental_cost [--days 30 120 480] [--scale 0.2]``: for each length of
history, a sandbox of every source is ingested and built whole; a day passes (also for the instants
in the warehouse: a build looks an hour back, which would hold the whole backfill), `ingest --all`
pulls it with every source's look-back, and `build` runs, whose seconds of CPU are told. The
statements that this build compiled are then run once more under DuckDB's profiler, each on a new
connection, whose own seconds are told, too. Two figures are told of them, of all models and tests
and of those that read identity whole:

- rows scanned: what DuckDB read. It skips row groups of 122,880 rows, not days, so a table of fewer
  rows is read whole.
- rows kept: those of them that the scans' own filters left, which is what a table with daily
  partitions and clustering, as on BigQuery, has to read at least.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipelines.cli.console import Format, print_rows
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import World

_TODAY = date(2026, 7, 1)
# They look identifiers up among all that are known.
_READ_WHOLE = (
    "identity_skipped",
    "identity_edges",
    "identity_components",
    "int_journeys_persons",
    "grain_identity_components_node_key",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--days", type=int, nargs="+", default=[30, 120, 480])
    parser.add_argument("--scale", type=float, default=0.2)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    chosen = parser.parse_args()
    market = Market(scale=chosen.scale)
    found = [_measure(market, days) for days in chosen.days]
    if chosen.format == "json":
        print(json.dumps(found))
        return
    print_rows([{k: v for k, v in f.items() if k != "most"} for f in found], Format.TABLE, "")
    for each in found:
        print(f"{each['days']} days, most rows kept: {each['most']}")


def _measure(market: Market, days: int) -> dict[str, Any]:
    """One history: build it whole, let a day pass, and profile the build of that day."""
    with (
        tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder,
        World(Path(folder), market, _TODAY - timedelta(days=1), sources=None) as world,
    ):
        start = str(_TODAY - timedelta(days=days))
        _run(world, "ingest", "--all", "--backfill", "--start", start, "--why", "benchmark")
        _run(world, "build")
        (path,) = Path(folder).glob("*.duckdb")
        _let_a_day_pass(path)
        world.advance(_TODAY)
        _run(world, "ingest", "--all")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _run(world, "build")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        totals: Counter[str] = Counter()
        kept: Counter[str] = Counter()
        seconds = 0.0
        for node, sql in _statements(path.parent / ".dbt" / path.stem):
            profile = _profile(path, sql)
            totals["rows scanned"] += profile["cumulative_rows_scanned"]
            totals["MB read"] += profile["total_bytes_read"]
            seconds += profile["cpu_time"]
            kept[node] += sum(rows_kept(profile))
        totals["rows kept"] = kept.total()
        with duckdb.connect(str(path), read_only=True) as connection:
            events = connection.execute("SELECT COUNT(*) FROM raw.ga4_events").fetchone()
        return {
            "days": days,
            "GA4 events": events[0] if events else 0,
            "rows scanned": totals["rows scanned"],
            "rows kept": totals["rows kept"],
            "looked up in identity": sum(kept[node] for node in _READ_WHOLE),
            "MB read": round(totals["MB read"] / 2**20, 1),
            "CPU s of the build": round(
                used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 1
            ),
            "of DuckDB's statements": round(seconds, 2),
            "most": kept.most_common(6),
        }


def _run(world: World, *arguments: str) -> None:
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    done = subprocess.run(
        command, env=world.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")


def _let_a_day_pass(path: Path) -> None:
    """The backfill was published hours before its build, and both were yesterday."""
    with duckdb.connect(str(path)) as connection:
        for table, instant, hours in (
            ("raw.load_ledger", "published_at", 26),
            ("intermediate.model_builds", "started_at", 24),
        ):
            connection.execute(f"UPDATE {table} SET {instant} = {instant} - INTERVAL {hours} HOUR")


def _statements(artifacts: Path) -> Iterator[tuple[str, str]]:
    """What the build ran: name and SQL of each model that is a table, and of each data test."""
    results = json.loads((artifacts / "run_results.json").read_text())["results"]
    nodes = json.loads((artifacts / "manifest.json").read_text())["nodes"]
    for result in results:
        node = nodes[result["unique_id"]]
        if node["config"]["materialized"] != "view" and result["compiled_code"]:
            yield node["name"], result["compiled_code"]


def _profile(path: Path, sql: str) -> dict[str, Any]:
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("PRAGMA enable_profiling = 'no_output'")
        connection.execute(sql).fetchall()
        found: dict[str, Any] = json.loads(connection.get_profiling_information(format="json"))
        return found


def rows_kept(operator: dict[str, Any]) -> Iterator[int]:
    """Rows that each scan of a table hands on."""
    if operator.get("operator_rows_scanned"):
        yield operator["operator_cardinality"]
    for child in operator["children"]:
        yield from rows_kept(child)


if __name__ == "__main__":
    main()
