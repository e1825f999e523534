"""How often the volume monitor warns of nothing, and how often it misses half a day.

``python -m tests.bench.monitors [--config adcanary.yaml] [--days 400]``: every day of each account
and table of a warehouse is held to the weeks before it: as it is, with half of its rows, with none,
and with twice as many. Without a configuration, the sandbox's market is landed into a folder of its
own, which takes a minute or two. What the market itself does to a platform (a campaign that ends,
an account that stops) is among the warnings of days as they are: they are right ones.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from unittest.mock import patch

from pipelines.cli.console import Format, print_rows
from pipelines.cli.ingest import Request, ingest_sources
from pipelines.config import Settings, load_settings
from pipelines.contracts import load_contracts
from pipelines.monitors.volume import DAYS_BEFORE, Usual
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import World
from pipelines.secret_settings import Secrets
from pipelines.sources.registry import open_source, source_names
from pipelines.warehouse import Warehouse, open_warehouse

START, TODAY = date(2026, 1, 1), date(2026, 7, 1)
CHANGES = {"as it is": 1.0, "half": 0.5, "none": 0.0, "double": 2.0}
Series = Mapping[tuple[str, str], Mapping[date, int]]


def main() -> None:
    """Print warnings by table, and over all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    with installation(args.config) as settings:
        series = counts(open_warehouse(settings, create=False))
    rows: dict[str, Counter[str]] = {}
    for (table, _), days in series.items():
        for name in (table, "all"):
            rows.setdefault(name, Counter()).update(warnings(days, args.days))
    print_rows([row(table, counted) for table, counted in rows.items()], args.format)


def row(table: str, counted: Mapping[str, int]) -> dict[str, str | int]:
    """Shares of the days on which it warns."""
    days = counted["days"]
    shares = {name: f"{counted[name] / days:.2%}" if days else "" for name in CHANGES}
    return {"table": table, "days of accounts": days, **shares}


def warnings(series: Mapping[date, int], days: int) -> Counter[str]:
    """Of the last days of an account and table, on how many each change is warned of."""
    counted: Counter[str] = Counter()
    last, first = max(series), min(series)
    for age in range(days):
        day = last - timedelta(days=age)
        if (day - first).days < DAYS_BEFORE:
            break
        if usual := Usual.of(series, day):
            counted["days"] += 1
            for name, share in CHANGES.items():
                counted[name] += usual.is_odd(round(series.get(day, 0) * share))
    return counted


def counts(warehouse: Warehouse) -> Series:
    """Rows by table and account, and by day."""
    series: dict[tuple[str, str], dict[date, int]] = {}
    for contract in load_contracts().values():
        if contract.dataset != "raw" or contract.partition_by is None or not contract.labels:
            continue
        rows = warehouse.query(
            f"SELECT {contract.account_column} AS account_id, {contract.partition_by} AS day, "
            f"COUNT(*) AS n FROM {contract.table} GROUP BY 1, 2"
        )
        for one in rows.to_pylist():
            series.setdefault((contract.name, one["account_id"]), {})[one["day"]] = one["n"]
    return series


@contextmanager
def installation(config: Path | None) -> Iterator[Settings]:
    """A configured warehouse, or the sandbox's market landed anew."""
    if config is not None:
        yield load_settings(config)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = stack.enter_context(World(folder, Market(), TODAY))
        stack.enter_context(patch.dict("os.environ", world.environment))
        settings, secrets = load_settings(world.config), Secrets()
        # a file has a span of its own
        names = [name for name in source_names(settings) if not name.startswith("files")]
        openers = [partial(open_source, settings, secrets, name) for name in names]
        request = Request(now=settings.clock(), start=START)
        if failures := ingest_sources(open_warehouse(settings), openers, request):
            raise SystemExit(f"{len(failures)} accounts failed")
        yield settings


if __name__ == "__main__":
    main()
