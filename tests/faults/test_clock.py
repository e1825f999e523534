"""Fault 11: a day is over when it is over where the account is, whatever the machine says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.contracts import load_contract
from pipelines.landing.ingest import ingest_account
from pipelines.landing.publish import land
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import PROPERTY_ID
from pipelines.sandbox.platforms.ga4_report.server import Ga4DataServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import Ga4ReportSettings
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.ga4_report.source import Ga4ReportSource
from pipelines.warehouse.duckdb import DuckDBWarehouse

TABLE, DAY = "raw.ga4_daily_report", timedelta(days=1)
TABLES = (
    *(TABLE, "raw.load_ledger", "raw.load_heads"),
    *("raw.privacy_tombstones", "raw.account_parking"),
)
LOOK_BACK = 3


class Abroad(Ga4DataServer):
    """The Data API of a property in another time zone, of whose present day there is some."""

    zone = "Pacific/Auckland"

    def _flag(self, metadata: Any) -> None:
        super()._flag(metadata)
        metadata.time_zone = self.zone

    def see(self, now: datetime) -> date:
        """Have data up to the property's present day, and return that day."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        self.clock.today = today + DAY
        return today


@pytest.fixture(scope="module")
def _property() -> Iterator[Abroad]:
    market = Market(start=date(2026, 4, 20), end=date(2026, 6, 30))
    server = Abroad(market, Clock(date(2026, 6, 30)))
    with server:
        yield server


@pytest.fixture
def property_(_property: Abroad) -> Iterator[Abroad]:
    yield _property
    _property.zone = Abroad.zone


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    opened = DuckDBWarehouse(tmp_path / "w.duckdb")
    opened.create_tables(map(load_contract, TABLES))
    return opened


@pytest.fixture
def source(property_: Abroad) -> Ga4ReportSource:
    settings = Ga4ReportSettings(
        property_id=PROPERTY_ID, endpoint=property_.endpoint, lookback_days=LOOK_BACK
    )
    return Ga4ReportSource(settings, sleep=lambda _: None)


def landed(warehouse: DuckDBWarehouse) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = warehouse.query(
        f"SELECT date, session_source, session_medium, session_campaign_id, event_count, time_zone "
        f"FROM {TABLE} ORDER BY date, session_source, session_medium, session_campaign_id"
    ).to_pylist()
    return rows


def told(server: Abroad, first: date, last: date) -> list[dict[str, Any]]:
    names = ("date", "session_source", "session_medium", "session_campaign_id", "event_count")
    rows = server.books(first, last).select(names).to_pylist()
    key = [tuple(row[name] or "" for name in names[:4]) for row in rows]
    ordered = [row for _, row in sorted(zip(key, rows, strict=True), key=lambda pair: pair[0])]
    return [{**row, "time_zone": server.zone} for row in ordered]


@pytest.mark.parametrize(
    ("zone", "yesterday"),
    [("Pacific/Auckland", date(2026, 6, 27)), ("Pacific/Honolulu", date(2026, 6, 26))],
)
def test_at_one_instant_yesterday_is_another_day_in_auckland_than_in_honolulu(
    property_: Abroad,
    source: Ga4ReportSource,
    warehouse: DuckDBWarehouse,
    zone: str,
    yesterday: date,
) -> None:
    property_.zone = zone
    now = datetime(2026, 6, 27, 12, 30, tzinfo=UTC)
    today = property_.see(now)
    ingest_account(warehouse, source, PROPERTY_ID, now=now)
    first = yesterday - (LOOK_BACK - 1) * DAY
    assert landed(warehouse) == told(property_, first, yesterday)
    assert told(property_, today, today)  # of the day that is not over there is some


@pytest.mark.parametrize("wrong", [DAY, -DAY], ids=["ahead", "behind"])
def test_what_a_clock_a_day_off_published_or_left_out_is_right_after_the_next_run(
    property_: Abroad, source: Ga4ReportSource, warehouse: DuckDBWarehouse, wrong: timedelta
) -> None:
    now = datetime(2026, 6, 26, 21, tzinfo=UTC)
    today = property_.see(now)
    ingest_account(warehouse, source, PROPERTY_ID, now=now + wrong)
    first = today + wrong - LOOK_BACK * DAY
    assert landed(warehouse) == told(property_, first, today + wrong - DAY)
    early = landed(warehouse)
    property_.see(now + DAY)
    ingest_account(warehouse, source, PROPERTY_ID, now=now + DAY)
    found = landed(warehouse)
    assert {row["date"] for row in found} == set(Window(first, today).days())
    since = today - (LOOK_BACK - 1) * DAY
    assert [r for r in found if r["date"] >= since] == told(property_, since, today)
    assert [r for r in early if r["date"] == today] != [r for r in found if r["date"] == today]


def test_a_pull_dated_in_the_future_yields_to_the_first_one_after_that_instant(
    property_: Abroad, source: Ga4ReportSource, warehouse: DuckDBWarehouse
) -> None:
    window = Window(date(2026, 6, 20), date(2026, 6, 25))

    def outcome(seen: datetime, clock: timedelta) -> str:
        property_.see(seen)
        (batch,) = source.pull(PROPERTY_ID, window)
        dated = replace(batch, pulled_at=datetime.now(UTC) + clock)
        (done,) = land(warehouse, dated, audited=False)
        return done.outcome

    early, late = (datetime(2026, 6, day, 21, tzinfo=UTC) for day in (24, 25))
    assert outcome(early, DAY) == "published"
    before = landed(warehouse)
    assert outcome(late, timedelta()) == "superseded"
    assert landed(warehouse) == before
    assert outcome(late, DAY + timedelta(minutes=1)) == "published"
    assert landed(warehouse) == told(property_, window.start, window.end) != before


class Calendar:
    """A source that has nothing, and keeps what it was asked for."""

    name, lookback_days, max_window_days, span = "calendar", 1, 31, None
    tables, account_ids = (TABLE,), ("site",)

    def __init__(self, zone: str) -> None:
        self.zone, self.asked = zone, list[Window]()

    def account(self, account_id: str) -> Account:
        return Account(account_id, "Site", "USD", self.zone)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        self.asked.append(window)
        yield from ()

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        yield from ()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Pacific/Auckland", date(2026, 9, 27), 23),
        ("Pacific/Auckland", date(2026, 4, 5), 25),
        ("America/New_York", date(2026, 3, 8), 23),
    ],
)
def test_a_day_of_23_or_25_hours_is_pulled_from_its_own_end_on_and_not_a_minute_before(
    warehouse: DuckDBWarehouse, zone: str, day: date, hours: int
) -> None:
    first, end = (
        datetime.combine(d, time(), ZoneInfo(zone)).astimezone(UTC) for d in (day, day + DAY)
    )
    assert end - first == timedelta(hours=hours)
    source = Calendar(zone)
    for now in (first, end - timedelta(minutes=1), end):
        ingest_account(warehouse, source, "site", now=now)
    assert [window.end for window in source.asked] == [day - DAY, day - DAY, day]
