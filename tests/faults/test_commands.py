"""What a person sets or types: how far a run looks back, and why history is loaded again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.cli.main import main
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.fx_rates.server import FxServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.sources.base import Window
from pipelines.warehouse.duckdb import DuckDBWarehouse

Run = Callable[..., tuple[int, str]]
YESTERDAY = date(2026, 6, 17)


@pytest.fixture(scope="module")
def bank() -> Iterator[FxServer]:
    market = Market(start=date(2026, 4, 10), end=date(2026, 6, 20), scale=0.05)
    with FxServer(market, Clock(date(2026, 6, 18))) as server:
        yield server


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run ``adcanary …`` with sources, as Dee; exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ADCANARY_CONFIG", raising=False)
    monkeypatch.setenv("ADCANARY_USER", "Dee")

    def adcanary(sources: dict[str, Any], *arguments: str) -> tuple[int, str]:
        settings = {
            "now": "2026-06-18T12:00:00+00:00",
            "warehouse": {"path": "w.duckdb"},
            "sources": sources,
        }
        (tmp_path / "adcanary.yaml").write_text(yaml.safe_dump(settings))
        monkeypatch.setattr(sys, "argv", ["adcanary", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capfd.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out + captured.err

    return adcanary


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "w.duckdb")


def landed(warehouse: DuckDBWarehouse) -> list[Window]:
    rows = warehouse.query(
        "SELECT window_start, window_end FROM raw.load_ledger ORDER BY published_at"
    )
    return [Window(row["window_start"], row["window_end"]) for row in rows.to_pylist()]


def test_a_run_looks_back_as_far_as_its_source_is_set_to_and_an_account_may_differ(
    bank: FxServer, run: Run, warehouse: DuckDBWarehouse
) -> None:
    sources = {"fx_rates": {"url": bank.url, "lookback_days": 6}}
    assert run(sources, "ingest", "--all")[0] == 0
    assert run(sources | {"account_lookback_days": {"fx_rates/ecb": 3}}, "ingest", "--all")[0] == 0
    assert landed(warehouse) == [
        Window(date(2026, 6, 12), YESTERDAY),
        Window(date(2026, 6, 15), YESTERDAY),
    ]


def test_a_backfill_without_a_reason_is_refused_and_one_with_it_is_signed(
    bank: FxServer, run: Run, warehouse: DuckDBWarehouse
) -> None:
    sources = {"fx_rates": {"url": bank.url}}
    backfill = ("ingest", "fx_rates", "--backfill", "--start", "2026-06-01", "--end", "2026-06-05")
    code, said = run(sources, *backfill)
    assert (code, "--why" in said) == (2, True)
    assert run(sources, *backfill, "--why", " ")[0] == 2
    code, said = run(sources, *backfill, "--why", "the bank corrected May")
    assert code == 0, said
    rows = warehouse.query("SELECT * FROM raw.backfills ORDER BY occurred_at").to_pylist()
    assert [(r["event"], r["row_count"]) for r in rows] == [("STARTED", 0), ("FINISHED", 15)]
    assert {(r["requested_by"], r["reason"]) for r in rows} == {("dee", "the bank corrected May")}
    assert landed(warehouse) == [Window(date(2026, 6, 1), date(2026, 6, 5))]
