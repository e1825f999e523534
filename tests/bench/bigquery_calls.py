"""What a day asks of BigQuery, counted on the wire: jobs, calls, and bytes that are billed.

``python -m tests.bench.bigquery_calls --before FOLDER`` lands small accounts of eight tables with
this checkout and with another one (a worktree of the build to compare with), each day in a process
of its own, against the emulator behind a proxy that notes every request. A day is landed first,
then pulled again unchanged, then restated in every table.

Bytes are by BigQuery's rule, which the emulator doesn't know: 10 MiB at least for each table that
a statement reads, and all that the tables here hold is less.
https://cloud.google.com/bigquery/pricing#on_demand_pricing
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from pipelines.cli.console import Format, print_rows
from pipelines.config import Settings, WarehouseSettings
from pipelines.contracts import load_contract, load_contracts
from pipelines.landing.ingest import ingest_account
from pipelines.sources.base import Account, Batch, Window
from pipelines.warehouse import open_warehouse

LEAST_BYTES = 10 * 1024**2
TODAY = date(2026, 7, 1)
DAYS = ("first", "unchanged", "restated")
DELIVERY = (
    "raw.ads_account_performance",
    "raw.ads_campaign_performance",
    "raw.ads_adgroup_performance",
    "raw.ads_ad_performance",
    "raw.ads_conversion_action_stats",
    "raw.ads_clicks",
)
STATE = ("raw.ads_entities", "raw.ads_campaign_budgets")
CAMPAIGNS = 3
# Of a published table-slice: the question reads the table and the stage, the guard of the claim and
# the claim the heads and the tombstones, then the table, and twice the stage.
PUBLISH_MIB = 10 * (2 + 2 + 2 + 1 + 1 + 1)

_DATASETS = "raw|landing_stage|canary|contracts|intermediate|marts"
_TABLE = re.compile(rf"\b(?:{_DATASETS})\.\w+")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
_INTO = re.compile(r"^\s*INSERT INTO \S+")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", type=Path, help="checkout to compare with")
    parser.add_argument("--accounts", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--format", type=Format, default=Format.TABLE)
    parser.add_argument("--one", nargs=4, metavar=("URL", "PROJECT", "ACCOUNTS", "DAY"))
    asked = parser.parse_args()
    if asked.one:
        url, project, accounts, day = asked.one
        _land(url, project, int(accounts), day)
        return
    builds = {"before": asked.before.resolve()} if asked.before else {}
    builds["now"] = Path(__file__).parents[2]
    print_rows(list(_measured(builds, asked.accounts)), asked.format)


@dataclass(frozen=True)
class Counts:
    """What was asked of BigQuery.

    ``statements`` are those of scripts and queries that read or write tables; ``existence`` are the
    metadata calls that see to datasets and tables of adcanary's own; ``waits`` ask a job whether it
    is done, and for its rows.
    """

    load_jobs: int
    query_jobs: int
    statements: int
    existence: int
    metadata: int
    waits: int
    billed_mib: int

    def as_row(self) -> dict[str, int]:
        return {
            "load jobs": self.load_jobs,
            "query jobs": self.query_jobs,
            "statements": self.statements,
            "existence calls": self.existence,
            "other metadata": self.metadata,
            "waits": self.waits,
            "MiB billed": self.billed_mib,
        }


def counted(calls: Iterable[tuple[str, str]], jobs: Iterable[dict[str, Any]]) -> Counts:
    """Counts of requests, by method and path, and of the jobs that were sent."""
    kinds = Counter(_kind(method, urlsplit(path).path) for method, path in calls)
    asked = [job["configuration"] for job in jobs]
    scripts = [list(_reads(job["query"]["query"])) for job in asked if "query" in job]
    return Counts(
        load_jobs=sum("load" in job for job in asked),
        query_jobs=len(scripts),
        statements=sum(map(len, scripts)),
        existence=kinds["existence"],
        metadata=kinds["metadata"],
        waits=kinds["wait"],
        billed_mib=sum(len(tables) for script in scripts for tables in script)
        * LEAST_BYTES
        // 1024**2,
    )


def arithmetic(accounts: int, day: str) -> dict[str, int]:
    """What a day costs of what :func:`counted` counts, but for waits: docs/scale.md shows it.

    An account asks whether it is parked, what is covered and who was erased; each of its two pulls
    looks the ledger up, and has its heads made or what is unchanged noted. Of ``raw.ads_clicks``, a
    publish also looks for rows that moved to another day.
    """
    tables = len(DELIVERY) + len(STATE)
    published = 0 if day == "unchanged" else tables
    pulls = {"first": 2, "unchanged": 2, "restated": 0}[day]
    pull_mib = {"first": 10 * tables, "unchanged": 2 * 2 * 10, "restated": 0}[day]
    moved_mib = 20 if published else 0
    return {
        "load jobs": accounts * published,
        "query jobs": accounts * (published + 3 + 2 + pulls),
        "existence calls": 10 + len(load_contracts()) if day == "first" else 5,
        "other metadata": accounts * (published + 1),
        "MiB billed": accounts * (published * PUBLISH_MIB + moved_mib + 30 + 2 * 20 + pull_mib),
    }


def _kind(method: str, path: str) -> str:
    if path.startswith("/upload") or (method == "POST" and path.endswith("/jobs")):
        return "job"
    if "/jobs/" in path or "/queries/" in path:
        return "wait"
    # what is asked of stages is asked for their own sake
    return "metadata" if "/datasets/landing_stage/" in path else "existence"


def _reads(script: str) -> Iterator[set[str]]:
    """The tables that each statement of a script is billed for; statements without any left out.

    An INSERT isn't billed for its target; UPDATE and DELETE are.
    """
    for statement in re.split(r"\n;(?:\n|$)", _TEXT.sub("''", script)):
        if tables := set(_TABLE.findall(_INTO.sub("", statement))) or "INSERT" in statement:
            yield tables if isinstance(tables, set) else set()


def _measured(builds: dict[str, Path], sizes: Iterable[int]) -> Iterator[dict[str, Any]]:
    from tests.wire import bigquery_emulator
    from tests.wire.bigquery_proxy import BigQueryProxy

    with tempfile.TemporaryDirectory(prefix="bench-bigquery-") as folder:
        emulator = bigquery_emulator.start(Path(folder))
        try:
            for accounts in sizes:
                for name, build in builds.items():
                    with BigQueryProxy(emulator.rest_url) as proxy:
                        for day in DAYS:
                            proxy.calls.clear()
                            proxy.jobs.clear()
                            _run(build, proxy.url, f"{name}-{accounts}", accounts, day)
                            counts = counted(proxy.calls, proxy.jobs.values())
                            row: dict[str, Any] = {"accounts": accounts, "day": day, "build": name}
                            row |= counts.as_row()
                            if name == "now":
                                row["as docs/scale.md"] = (
                                    arithmetic(accounts, day).items() <= row.items()
                                )
                            print(row, file=sys.stderr, flush=True)
                            yield row
        finally:
            emulator.stop()


def _run(build: Path, url: str, project: str, accounts: int, day: str) -> None:
    command = [sys.executable, __file__, "--one", url, project, str(accounts), day]
    env = {**os.environ, "PYTHONPATH": str(build)}
    subprocess.run(command, cwd=build, env=env, check=True)


def _land(url: str, project: str, accounts: int, day: str) -> None:
    """Ingest every account as the flow does: each opens the warehouse.

    Raises:
        SystemExit: it was not landed as it had to be; counts of that are worth nothing.
    """
    settings = Settings(
        warehouse=WarehouseSettings(kind="bigquery", project=project, api_endpoint=url)
    )
    now = datetime(2026, 7, 1, 12 + DAYS.index(day), tzinfo=UTC)
    wanted = {"unchanged": "unchanged"}.get(day, "published")
    for number in range(accounts):
        account = str(1_000_000_000 + number)
        done = ingest_account(open_warehouse(settings), Small(day, now), account, now=now)
        outcomes = [landed.outcome for landed in done.landed]
        if outcomes != [wanted] * (len(DELIVERY) + len(STATE)):
            raise SystemExit(f"{account} was not {wanted}: {outcomes}")


@dataclass(frozen=True)
class Small:
    """A source of a few rows a table and account."""

    day: str
    now: datetime
    name: str = "google_ads"
    lookback_days: int = 3
    max_window_days: int = 90
    tables: tuple[str, ...] = DELIVERY
    account_ids: tuple[str, ...] = ()
    span: Window | None = None

    def account(self, account_id: str) -> Account:
        return Account(account_id, account_id, "USD", "UTC")

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        for table in DELIVERY:
            yield self._batch(table, account_id, window)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        for table in STATE:
            yield self._batch(table, account_id, Window(day, day))

    def _batch(self, table: str, account_id: str, window: Window) -> Batch:
        """Each campaign has a row a day. Those that are restated spend a micro more, are paused, or
        are clicks of other ads."""
        contract = load_contract(table)
        restated, clicks = self.day == "restated", "click_id" in contract.column_names
        keys = [(day, n) for day in window.days() for n in range(CAMPAIGNS)]
        if "campaign_id" not in contract.column_names and table not in STATE:
            keys = [(day, 0) for day in window.days()]
        values: dict[str, Any] = {
            "platform": self.name,
            "account_id": account_id,
            "date": [day for day, _ in keys],
            "effective_from": [day for day, _ in keys],
            "campaign_id": [f"20{n}" for _, n in keys],
            "adgroup_id": [f"30{n}" for _, n in keys],
            "ad_id": [f"40{n}{int(restated)}" if clicks else f"40{n}" for _, n in keys],
            "click_id": [f"gclid-{day}-{n}" for day, n in keys],
            "conversion_action": [f"50{n}" for _, n in keys],
            "entity_type": "campaign",
            "entity_id": [f"20{n}" for _, n in keys],
            "impressions": 100,
            "clicks": 10,
            "cost_micros": 1_000_000 + restated,
            "daily_budget_micros": 5_000_000 + restated,
            "conversions": 1.0 + restated,
            "conversion_value": 10.0,
            "all_conversions": 1.0,
            "currency_code": "USD",
            "time_zone": "UTC",
            "attribution_window": "account_default",
            "status": "PAUSED" if restated else "ENABLED",
        }
        rows = pa.table(
            {
                name: value if isinstance(value, list) else [value] * len(keys)
                for name, value in values.items()
                if name in contract.column_names
            }
        )
        return Batch(self.name, table, account_id, self.name, window, rows, self.now)


if __name__ == "__main__":
    main()
