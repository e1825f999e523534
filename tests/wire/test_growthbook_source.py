"""GrowthBook: experiments over HTTP, against the simulated organisation's definitions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.config import Settings, WarehouseSettings
from pipelines.contracts import load_contract
from pipelines.errors import AuditError, SourceRejected, SourceUnavailable
from pipelines.landing.ingest import ingest_account
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.growthbook.server import (
    BREAKING,
    FAULTS,
    ORGANIZATION,
    GrowthbookServer,
)
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import GrowthbookSettings
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.growthbook.source import GrowthbookSource, _row
from pipelines.warehouse import Warehouse, open_warehouse
from tests.wire.contract_shape import assert_fits

TODAY = date(2026, 7, 1)
ZONE = "America/New_York"
TABLES = (
    *("raw.experiments", "raw.rejected_rows", "raw.load_ledger", "raw.load_heads"),
    *("raw.account_parking", "raw.privacy_tombstones"),
)


@pytest.fixture(scope="module")
def _server(market: Market) -> Iterator[GrowthbookServer]:
    with GrowthbookServer(market, Clock(TODAY)) as running:
        yield running


@pytest.fixture
def server(_server: GrowthbookServer) -> Iterator[GrowthbookServer]:
    """The organisation on ``TODAY``; what a test changed of it is undone."""
    yield _server
    _server.clock.today, _server.page_rows = TODAY, 100
    _server.faults.switch_off()
    _server.mutations.clear()


@pytest.fixture(params=["duckdb", pytest.param("bigquery", marks=pytest.mark.emulator)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "duckdb":
        return open_warehouse(Settings(warehouse=WarehouseSettings(path=tmp_path / "w.duckdb")))
    opened: Warehouse = request.getfixturevalue("bigquery")
    opened.create_tables(map(load_contract, TABLES))
    return opened


def source_of(server: GrowthbookServer, key: str | None = None, **options: Any) -> GrowthbookSource:
    given = {"organization": ORGANIZATION, "time_zone": ZONE, "url": server.url}
    settings = GrowthbookSettings(**{**given, **options})
    return GrowthbookSource(settings, key or server.api_key, sleep=lambda _: None)


def landed(server: GrowthbookServer) -> Batch:
    (batch,) = source_of(server).snapshot(ORGANIZATION, server.clock.today)
    return batch


def keys(batch: Batch) -> list[str]:
    return [row["tracking_key"] for row in batch.rows.to_pylist()]


def test_experiments_land_as_they_are_defined(server: GrowthbookServer, market: Market) -> None:
    server.clock.today = market.experiment.last_day + timedelta(days=1)
    batch = landed(server)
    assert_fits(batch)
    assert batch.window == Window(server.clock.today, server.clock.today)
    rows = {row["tracking_key"]: row for row in batch.rows.to_pylist()}
    own = rows["signup-banner"]
    assert (own["kind"], own["status"], own["measured_by"]) == ("site_test", "DONE", "own")
    assert own["hypothesis"] == "More visitors sign up"
    assert own["variations"] == [
        {"variation_id": "0", "name": "Control", "weight": 0.5},
        {"variation_id": "1", "name": "Treatment", "weight": 0.5},
    ]
    (phase,) = own["phases"]
    begun = datetime.combine(market.experiment.first_day, datetime.min.time(), UTC)
    assert (phase["started_at"], phase["coverage"]) == (begun, 1.0)
    # midnight UTC is the evening before in New York
    assert own["start_date"] == market.experiment.first_day - timedelta(days=1)
    assert own["end_date"] == market.experiment.last_day
    assert {own[name] for name in ("channel", "outcome", "effect", "currency_code")} == {None}
    assert server.mutations == []


def test_what_has_not_begun_has_no_days_and_what_was_put_away_is_void(
    server: GrowthbookServer, market: Market
) -> None:
    server.clock.today = market.experiment.first_day
    rows = {row["tracking_key"]: row for row in landed(server).rows.to_pylist()}
    statuses = {key: row["status"] for key, row in rows.items()}
    assert statuses == {
        "free-shipping-bar": "DONE",
        "signup-banner": "RUNNING",
        "checkout-copy": "PLANNED",
        "hero-image": "VOID",
    }
    assert rows["signup-banner"]["end_date"] is None
    assert (rows["checkout-copy"]["start_date"], rows["checkout-copy"]["phases"]) == (None, [])
    assert rows["hero-image"]["kind"] == "site_bandit"


def test_weights_that_changed_or_move_are_not_told(server: GrowthbookServer) -> None:
    rows = {row["tracking_key"]: row for row in landed(server).rows.to_pylist()}
    for key in ("free-shipping-bar", "hero-image"):
        assert [v["weight"] for v in rows[key]["variations"]] == [None, None]
    assert len(rows["free-shipping-bar"]["phases"]) == 2


def test_an_experiment_that_did_not_finish_is_void(server: GrowthbookServer) -> None:
    definition = server.books()[0] | {"resultSummary": {"status": "dnf"}}
    assert _row(definition, ZONE)["status"] == "VOID"
    assert _row(definition | {"resultSummary": {"status": "lost"}}, ZONE)["status"] == "DONE"


def test_pages_are_read_to_the_last_and_no_further(server: GrowthbookServer) -> None:
    whole = keys(landed(server))
    assert whole == [one["trackingKey"] for one in server.books()]
    for server.page_rows in (1, 3, len(whole)):
        assert keys(landed(server)) == whole


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - BREAKING))
def test_a_passing_fault_costs_no_experiment(server: GrowthbookServer, fault: str) -> None:
    server.page_rows = 2
    server.faults.switch_on(fault)
    assert len(keys(landed(server))) == 4


def test_all_passing_faults_at_once_cost_no_experiment(server: GrowthbookServer) -> None:
    server.page_rows = 3
    server.faults.switch_on_passing()
    assert len(keys(landed(server))) == 4


def test_a_revoked_key_is_rejected_and_stays_out_of_the_error(server: GrowthbookServer) -> None:
    server.faults.switch_on("key_revoked")
    with pytest.raises(SourceRejected, match=rf"growthbook account {ORGANIZATION}.*401") as refused:
        landed(server)
    assert "ADCANARY_GROWTHBOOK_API_KEY" in str(refused.value)
    assert server.api_key not in str(refused.value)
    server.faults.switch_off()
    with pytest.raises(SourceRejected, match="401"):
        list(source_of(server, "secret_of_somebody_else").snapshot(ORGANIZATION, TODAY))


def test_lasting_trouble_is_unavailable(server: GrowthbookServer) -> None:
    source = source_of(server, url="http://127.0.0.1:9")
    with pytest.raises(SourceUnavailable, match=f"{ORGANIZATION}: no usable answer"):
        list(source.snapshot(ORGANIZATION, TODAY))


def test_another_organisation_is_refused(server: GrowthbookServer) -> None:
    with pytest.raises(SourceRejected, match=r"no account other; adcanary.yaml has canary-shop"):
        source_of(server).account("other")


def test_a_mutating_call_is_recorded_and_refused(server: GrowthbookServer) -> None:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    url = f"{server.url}/api/v1/experiments"
    assert httpx.post(url, json={}, headers=headers).status_code == 403
    assert server.mutations == ["POST /api/v1/experiments"]


@pytest.mark.slow
def test_each_run_replaces_the_list_and_a_definition_nobody_understands_keeps_it(
    server: GrowthbookServer, market: Market, warehouse: Warehouse
) -> None:
    source: Source = source_of(server)

    def statuses() -> list[tuple[str, str]]:
        day = server.clock.today
        now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        ingest_account(warehouse, source, ORGANIZATION, now=now)
        rows = warehouse.query(
            "SELECT tracking_key, status FROM raw.experiments ORDER BY experiment_id"
        )
        return [(row["tracking_key"], row["status"]) for row in rows.to_pylist()]

    server.clock.today = market.experiment.first_day
    assert statuses()[1] == ("signup-banner", "RUNNING")
    server.clock.today = market.experiment.last_day + timedelta(days=1)
    after = statuses()
    assert (len(after), after[1]) == (4, ("signup-banner", "DONE"))
    server.faults.switch_on("new_status")
    with pytest.raises(AuditError, match="definition can't be read"):
        statuses()
    server.faults.switch_off()
    assert statuses() == after


def test_addresses_that_people_wrote_into_a_definition_do_not_land(
    server: GrowthbookServer, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = server.books()[0] | {"hypothesis": "ask ada@example.org"}
    written = [v | {"name": "of bob@example.org"} for v in definition["variations"]]
    monkeypatch.setattr(server, "books", lambda: [definition | {"variations": written}])
    now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    ingest_account(warehouse, source_of(server), ORGANIZATION, now=now)
    (row,) = warehouse.query("SELECT * FROM raw.experiments").to_pylist()
    assert row["hypothesis"] == "ask (e-mail)"
    assert [v["name"] for v in row["variations"]] == ["of (e-mail)"] * 2
    assert "@" not in str(row)
