"""Fault 4: a quota of hours parks an account; who asks again before, and who insists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.cli.ingest import Request, ingest_sources
from pipelines.contracts import load_contract
from pipelines.errors import AdcanaryError, SourceParked
from pipelines.landing.parking import park, refuse_if_parked
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.salesforce.server import SalesforceServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import SalesforceSettings
from pipelines.sources.salesforce.source import SalesforceSource
from pipelines.warehouse.duckdb import DuckDBWarehouse

ORG, TODAY = SalesforceServer.org_id, date(2026, 6, 30)
TABLES = (
    *("raw.crm_leads", "raw.crm_opportunities", "raw.account_parking"),
    *("raw.load_ledger", "raw.load_heads", "raw.privacy_tombstones"),
)


@pytest.fixture
def org() -> Iterator[SalesforceServer]:
    market = Market(start=date(2026, 4, 20), end=date(2026, 6, 30), scale=0.05)
    with SalesforceServer(market, Clock(TODAY)) as server:
        yield server


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    opened = DuckDBWarehouse(tmp_path / "w.duckdb")
    opened.create_tables(map(load_contract, TABLES))
    return opened


def run(
    warehouse: DuckDBWarehouse, org: SalesforceServer, *, unpark: bool = False
) -> list[AdcanaryError]:
    """What fails of a run of its own over one day."""
    settings = SalesforceSettings(org_id=ORG, time_zone=org.time_zone, url=org.url)
    source = SalesforceSource(settings, org.client_id, org.client_secret, "a-salt")
    day = TODAY - timedelta(days=1)
    now = datetime(2026, 6, 30, 12, tzinfo=UTC)
    request = Request(now, start=day, end=day, unpark=unpark)
    return ingest_sources(warehouse, [lambda: source], request)


def test_a_parked_account_is_not_called_by_the_next_run_unless_a_person_insists(
    org: SalesforceServer, warehouse: DuckDBWarehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    org.faults.switch_on("daily_quota")
    (first,) = run(warehouse, org)
    assert isinstance(first, SourceParked)
    called = org.sign_ins
    org.faults.switch_off()
    (second,) = run(warehouse, org)
    assert isinstance(second, SourceParked)
    until = f"still parked until {first.until:%Y-%m-%d %H:%M} UTC"
    assert f"salesforce account {ORG}: {until}" in second.message
    assert "--unpark" in str(second)
    assert org.sign_ins == called
    assert until in " ".join(capsys.readouterr().err.split())
    assert run(warehouse, org, unpark=True) == []
    assert org.sign_ins == called + 1
    assert f"salesforce/{ORG}: 2 of 2 batches published" in capsys.readouterr().out


def test_an_account_is_called_again_once_its_time_is_over_and_others_always(
    warehouse: DuckDBWarehouse,
) -> None:
    def hours(many: int) -> datetime:
        return datetime.now(UTC) + timedelta(hours=many)

    park(warehouse, "salesforce", ORG, hours(2), "out of quota")
    with pytest.raises(SourceParked, match="out of quota"):
        refuse_if_parked(warehouse, "salesforce", ORG)
    refuse_if_parked(warehouse, "hubspot", ORG)
    refuse_if_parked(warehouse, "salesforce", "another")
    park(warehouse, "salesforce", ORG, hours(-1), "unparked")  # the latest word counts
    refuse_if_parked(warehouse, "salesforce", ORG)
