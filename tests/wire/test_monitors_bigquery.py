"""`adcanary monitor` says of BigQuery, over its wire protocol, what it says of DuckDB."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.config import Settings
from pipelines.contracts import load_contracts
from pipelines.finding import Status
from pipelines.monitors.metrics import exposition
from pipelines.monitors.run import monitor
from pipelines.warehouse import open_warehouse
from tests.unit.ledger_rows import AS_OF, NOW, insert_all
from tests.unit.monitored import ACCOUNT, CAMPAIGNS, DAYS, built, campaigns, job_run, published
from tests.unit.monitored import settings as on_duckdb
from tests.wire import budget_rows
from tests.wire.bigquery_emulator import Emulator

pytestmark = pytest.mark.emulator
BILLED = 5 * 1024**3


@pytest.fixture
def both(emulator: Emulator, tmp_path: Path) -> tuple[Settings, Settings]:
    """The same rows in either: half of the last day is missing, and it was dear."""
    duckdb = on_duckdb(tmp_path)
    bigquery = duckdb.model_copy(update={"warehouse": budget_rows.settings(emulator.rest_url)})
    tables = [
        contract
        for name, contract in load_contracts().items()
        if contract.dataset in ("contracts", "canary") or name in ("raw.load_ledger", CAMPAIGNS)
    ]
    runs = [
        job_run(
            "mmm",
            AS_OF - timedelta(days=n),
            finished_at=NOW - timedelta(days=n),
            bytes_billed=BILLED if n else 3 * BILLED,
        )
        for n in range(9)
    ]
    for settings in (duckdb, bigquery):
        warehouse = open_warehouse(settings, create=False)
        warehouse.create_tables(tables)
        published(warehouse, "google_ads", CAMPAIGNS, ACCOUNT)
        campaigns(warehouse, {day: 6 if day == AS_OF else 12 for day in DAYS})
        insert_all(warehouse, "contracts.job_runs", runs)
        built(warehouse, "PASS")
    return duckdb, bigquery


def test_the_findings_and_metrics_are_the_same_but_for_the_cost(
    both: tuple[Settings, Settings],
) -> None:
    here, there = ({f.name: (f.status, f.message) for f in monitor(settings)} for settings in both)
    assert here.pop("cost") == (Status.SKIP, "DuckDB bills nothing.")
    status, message = there.pop("cost")
    assert status is Status.WARN
    assert message == "15.0 GiB were billed on 2026-07-01, usually 5.0."
    assert here == there
    assert here[f"volume:google_ads/{CAMPAIGNS}"][0] is Status.WARN
    ours, theirs = (
        {line for line in exposition(settings).splitlines() if 'monitor="cost"' not in line}
        for settings in both
    )
    assert 'adcanary_billed_bytes_total{job="mmm"} 5.905580032e+10' in ours
    assert ours == theirs
