"""A warehouse that monitors look at: some weeks of landed days, jobs, builds and a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.config import Settings, WarehouseSettings
from pipelines.jobs.registry import JOBS
from pipelines.proposals.events import SERVICE
from pipelines.proposals.govern import set_policy
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.proposals.propose import propose
from pipelines.source_settings import FxRatesSettings, GoogleAdsSettings, SourcesSettings
from pipelines.warehouse import Warehouse
from tests.unit.ledger_rows import AS_OF, NOW, insert_all, two_channels
from tests.unit.ledgers import ADA, terms
from tests.wire.raw_rows import campaign_day, insert

CAMPAIGNS, ACCOUNT = "raw.ads_campaign_performance", "1234567890"
EARLY = AS_OF - timedelta(days=60)
DAYS = [AS_OF - timedelta(days=n) for n in range(50)]


def settings(folder: Path) -> Settings:
    google = GoogleAdsSettings(accounts=(ACCOUNT,))
    rates = FxRatesSettings(url="http://127.0.0.1:9")
    return Settings(
        warehouse=WarehouseSettings(path=folder / "w.duckdb"),
        sources=SourcesSettings(google_ads=google, fx_rates=rates),
        now=NOW,
        path=folder / "adcanary.yaml",
    )


def healthy(folder: Path) -> tuple[Settings, Warehouse, Ledger]:
    """Every source published to yesterday, every job run, a build passed, a shift proposed."""
    warehouse = two_channels(folder / "w.duckdb")
    own = settings(folder)
    published(warehouse, "google_ads", CAMPAIGNS, ACCOUNT)
    published(warehouse, "fx_rates", "raw.fx_rates", "ecb")
    campaigns(warehouse, dict.fromkeys(DAYS, 12))
    runs = [*_days(JOBS, AS_OF - timedelta(days=1)), *_days(JOBS.keys() - _RUN, AS_OF)]
    insert_all(warehouse, "contracts.job_runs", runs)
    built(warehouse, "PASS")
    ledger = open_ledger(warehouse, own)
    held = terms()
    set_policy(ledger, held.policy, held.moment, ADA, comment=None)
    propose(ledger, held, created_by=SERVICE.name)
    return own, warehouse, ledger


# Those that two_channels has run.
_RUN = {"mmm", "pacing", "fidelity"}


def _days(jobs: Iterable[str], day: date) -> list[dict[str, Any]]:
    return [job_run(job, day) for job in jobs]


def job_run(job: str, day: date, verdict: str = "PASS", **more: Any) -> dict[str, Any]:
    return {
        "job": job,
        "run_id": f"{job} {day} {verdict}",
        "as_of": day,
        "verdict": verdict,
        "reason": "ok" if verdict == "PASS" else "Nothing came.",
        "settings": "{}",
        "diagnostics": "{}",
        "finished_at": NOW,
        **more,
    }


def published(
    warehouse: Warehouse, source: str, table: str, account_id: str, last: date = AS_OF, **more: Any
) -> None:
    """A batch in the ledger, of all days from EARLY on."""
    at = datetime(last.year, last.month, last.day, 8, tzinfo=UTC) + timedelta(days=1)
    load = {
        "run_id": f"{source} {table} {account_id} {last}",
        "source": source,
        "table_name": table,
        "account_id": account_id,
        "window_start": EARLY,
        "window_end": last,
        **{"row_count": 100, "restated_rows": 7, "dropped_rows": 0, "rejected_rows": 3},
        **dict.fromkeys(("checksum", "schema_hash"), "x"),
        **dict.fromkeys(("pulled_at", "staged_at", "published_at"), at),
        **more,
    }
    insert(warehouse, "raw.load_ledger", [load])


def campaigns(warehouse: Warehouse, days: Mapping[date, int], account: str = ACCOUNT) -> None:
    """So many campaigns of each day."""
    rows = [
        campaign_day(("google_ads", account), str(day), f"c{n}", 1_000_000)
        for day, count in days.items()
        for n in range(count)
    ]
    insert(warehouse, CAMPAIGNS, rows)


def built(warehouse: Warehouse, verdict: str, began: datetime = NOW, **more: Any) -> None:
    row = {
        "build_id": f"b {began}",
        "verdict": verdict,
        "started_at": began,
        "finished_at": None if verdict == "RUNNING" else began + timedelta(seconds=50),
        **more,
    }
    insert_all(warehouse, "contracts.builds", [row])
