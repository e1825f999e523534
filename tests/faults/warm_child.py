"""Runs ingestions in processes that can be killed: imported once, forked for every request.

One JSON request a line on standard input; answers with the child's pid, then its exit status.
A child kills itself at a step boundary where it is told to: before or after a call of the
warehouse.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.config import WarehouseSettings
from pipelines.contracts import load_contracts
from pipelines.landing import expectations
from pipelines.landing.ingest import ingest_account
from pipelines.secret_settings import Secrets
from pipelines.source_settings import FileSettings
from pipelines.sources.files.source import open_source
from pipelines.warehouse import Warehouse
from pipelines.warehouse.bigquery import BigQueryWarehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "infra" / "mappings" / "tiktok_ads.yaml"
ACCOUNT = "7001002003"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Dying:
    """A warehouse whose process is killed at a step boundary, such as ``after stage raw.orders``.

    Args:
        boundary: where; None: nowhere.
        passed: called with the name of every boundary that is passed.
    """

    def __init__(
        self, inner: Warehouse, boundary: str | None, passed: Callable[[str], object]
    ) -> None:
        self._inner, self._boundary, self._passed = inner, boundary, passed
        self._table = ""

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return partial(self._call, name, found) if callable(found) else found

    def _call(self, name: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        for params in arguments:
            if isinstance(params, dict):
                self._table = params.get("table_name", self._table)
        step = named.get("label", name)
        if name == "query":
            step = " ".join(re.findall(r"raw\.\w+", arguments[0])[:1]) or "query"
        self._pass(f"before {step} {self._table}")
        result = call(*arguments, **named)
        self._pass(f"after {step} {self._table}")
        return result

    def _pass(self, boundary: str) -> None:
        self._passed(boundary)
        if boundary == self._boundary:
            os.kill(os.getpid(), signal.SIGKILL)


def open_warehouse(target: dict[str, str]) -> Warehouse:
    """``{"path": file}`` or ``{"url": emulator, "project": name}``, with the tables of raw."""
    warehouse: Warehouse
    if "path" in target:
        warehouse = DuckDBWarehouse(Path(target["path"]))
    else:
        warehouse = BigQueryWarehouse(
            WarehouseSettings(
                kind="bigquery", project=target["project"], api_endpoint=target["url"]
            )
        )
    warehouse.create_tables(c for c in load_contracts().values() if c.dataset == "raw")
    return warehouse


def ingest(
    target: dict[str, str],
    export: str,
    boundary: str | None,
    trace: str,
    file_bytes: int | None = None,
) -> None:
    """Ingest an export file, all of it; the boundaries it passes go to the file ``trace``.

    ``file_bytes``: no file of the process may grow beyond, as on a disk that is full.
    """
    with Path(trace).open("w", buffering=1) as lines:
        warehouse: Any = Dying(
            open_warehouse(target), boundary, lambda name: lines.write(f"{name}\n")
        )
        if file_bytes is not None:
            warehouse = open_warehouse(target)
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        _ingest(warehouse, export)


def _ingest(warehouse: Warehouse, export: str) -> None:
    settings = FileSettings(platform="tiktok_ads", path=Path(export), mapping=MAPPING)
    done = ingest_account(warehouse, open_source(settings, Secrets()), ACCOUNT, now=NOW)
    for landed in done.landed:
        print(landed, file=sys.stderr)


def main() -> None:
    # what takes seconds and is the same for every child is done once, before the forks
    load_contracts()
    expectations.batches()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ingest(**json.loads(line))
                code = 0
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
            os._exit(code)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
