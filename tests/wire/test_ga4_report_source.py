"""The GA4 Data API source, through Google's SDK, against the simulated Data API."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import grpc
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.contracts import load_contract
from pipelines.errors import SourceParked, SourceRejected, SourceUnavailable
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import PROPERTY_ID
from pipelines.sandbox.platforms.ga4_report.server import Ga4DataServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import Ga4ReportSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.ga4_report.source import Ga4ReportSource

TODAY = date(2026, 7, 1)
WINDOW = Window(date(2026, 6, 24), date(2026, 6, 30))
NOW = datetime(2026, 7, 1, 20, 10, tzinfo=UTC)
ORDER = [(c, "ascending") for c in load_contract("raw.ga4_daily_report").primary_key]
Open = Callable[..., Ga4ReportSource]


@pytest.fixture(scope="module")
def _server(market: Market) -> Iterator[Ga4DataServer]:
    with Ga4DataServer(market, Clock(TODAY)) as server:
        yield server


@pytest.fixture
def server(_server: Ga4DataServer) -> Iterator[Ga4DataServer]:
    """The Data API on ``TODAY``; what a test changed of it is undone."""
    yield _server
    _server.clock.today, _server.page_rows = TODAY, 250_000
    _server.tokens_per_hour, _server.tokens_per_day, _server.concurrent = 40_000, 200_000, 10
    _server.refused = 0
    _server.offsets.clear()
    _server.faults.switch_off()


@pytest.fixture
def sleeps() -> list[float]:
    return []


@pytest.fixture
def open_(server: Ga4DataServer, sleeps: list[float]) -> Open:
    def open_source(**more: object) -> Ga4ReportSource:
        settings = Ga4ReportSettings(property_id=PROPERTY_ID, endpoint=server.endpoint)
        arguments = {"sleep": sleeps.append, "now": lambda: NOW, **more}
        return Ga4ReportSource(settings, **arguments)  # type: ignore[arg-type]

    return open_source


def _pull(source: Ga4ReportSource, window: Window = WINDOW) -> Batch:
    (batch,) = source.pull(PROPERTY_ID, window)
    return batch


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by(ORDER)


def test_the_report_lands_as_the_books_say(server: Ga4DataServer, open_: Open) -> None:
    batch = _pull(open_())
    contract = load_contract("raw.ga4_daily_report")
    landed = [f for f in contract.arrow_schema if f.name not in ("_extra", "_run_id")]
    assert [(f.name, f.type) for f in batch.rows.schema] == [(f.name, f.type) for f in landed]
    assert _sorted(batch.rows) == _sorted(server.books(WINDOW.start, WINDOW.end))
    assert set(batch.rows["date"].to_pylist()) == {
        WINDOW.start + timedelta(days=i) for i in range(7)
    }
    assert pc.sum(batch.rows["purchase_revenue_micros"]).as_py() > 0
    assert (batch.table, batch.window, batch.account_id) == (
        "raw.ga4_daily_report",
        WINDOW,
        PROPERTY_ID,
    )
    assert server.mutations == []


def test_the_property_says_its_currency_and_time_zone(open_: Open) -> None:
    account = open_().account(PROPERTY_ID)
    assert (account.currency_code, account.time_zone) == ("USD", "America/New_York")
    with pytest.raises(SourceRejected, match="no property 42"):
        open_().account("42")


def test_pages_that_are_smaller_than_asked_for_are_read_to_the_row_count(
    server: Ga4DataServer, open_: Open
) -> None:
    server.page_rows = 20
    rows = _pull(open_()).rows
    assert _sorted(rows) == _sorted(server.books(WINDOW.start, WINDOW.end))
    assert server.offsets == list(range(0, len(rows), 20))
    assert len(server.offsets) > 2


def test_a_report_of_exactly_one_page_is_asked_for_once(server: Ga4DataServer, open_: Open) -> None:
    server.page_rows = 20
    server.faults.switch_on("exactly_page_rows")
    rows = _pull(open_()).rows
    assert server.offsets == [0]
    assert _sorted(rows) == _sorted(server.books(WINDOW.start, WINDOW.end))


def test_days_without_data_are_an_empty_report(server: Ga4DataServer, open_: Open) -> None:
    assert len(_pull(open_(), Window(TODAY, TODAY)).rows) == 0
    assert server.offsets == [0]


@pytest.mark.parametrize(
    ("fault", "slept"),
    [("concurrent_requests", 30.0), ("quota_on_page_2", 30.0), ("unavailable_mid_pages", 1.0)],
)
def test_a_passing_fault_is_waited_for_and_no_row_is_lost(
    server: Ga4DataServer, open_: Open, sleeps: list[float], fault: str, slept: float
) -> None:
    server.page_rows = 20
    server.faults.switch_on(fault, times=1)
    assert _sorted(_pull(open_()).rows) == _sorted(server.books(WINDOW.start, WINDOW.end))
    assert sleeps == [slept]
    assert server.refused == 1


def test_a_fault_that_lasts_is_unavailable_and_named(
    server: Ga4DataServer, open_: Open, sleeps: list[float]
) -> None:
    server.faults.switch_on("concurrent_requests")
    with pytest.raises(SourceUnavailable, match=f"ga4_report property {PROPERTY_ID}") as caught:
        _pull(open_())
    assert "too many requests at once" in caught.value.message
    assert caught.value.kept
    assert sleeps == [30.0] * 4


@pytest.mark.parametrize(
    ("fault", "until"),
    [
        ("hourly_quota", datetime(2026, 7, 1, 21, tzinfo=UTC)),
        ("daily_quota", datetime(2026, 7, 2, 7, tzinfo=UTC)),  # midnight Pacific, in summer
    ],
)
def test_a_used_up_quota_parks_the_property_and_says_until_when(
    server: Ga4DataServer, open_: Open, sleeps: list[float], fault: str, until: datetime
) -> None:
    server.faults.switch_on(fault)
    with pytest.raises(SourceParked, match=f"parked until {until:%Y-%m-%d %H:%M} UTC") as caught:
        _pull(open_())
    assert caught.value.until == until
    assert PROPERTY_ID in caught.value.message
    assert (server.refused, sleeps) == (1, [])


@pytest.mark.parametrize(
    ("left", "until"),
    [
        ("tokens_per_hour", datetime(2026, 7, 1, 21, tzinfo=UTC)),
        ("tokens_per_day", datetime(2026, 7, 2, 7, tzinfo=UTC)),
    ],
)
def test_a_quota_is_read_ahead_and_the_api_never_has_to_refuse(
    server: Ga4DataServer, open_: Open, left: str, until: datetime
) -> None:
    server.page_rows = 10
    setattr(server, left, 25)
    clock = [NOW]
    source = open_(now=lambda: clock[-1])
    with pytest.raises(SourceParked, match=f"5 left of {left}") as caught:
        _pull(source)
    assert caught.value.until == until
    assert (len(server.offsets), server.refused) == (2, 0)
    setattr(server, left, 40_000)
    with pytest.raises(SourceParked):  # still parked, without a call
        _pull(source)
    assert len(server.offsets) == 2
    clock.append(until)
    assert _sorted(_pull(source).rows) == _sorted(server.books(WINDOW.start, WINDOW.end))


def test_the_property_being_busy_slows_the_next_call_down(
    server: Ga4DataServer, open_: Open, sleeps: list[float]
) -> None:
    server.page_rows, server.concurrent = 60, 0
    _pull(open_())
    assert len(server.offsets) > 1
    assert sleeps == [30.0] * (len(server.offsets) - 1)
    assert server.refused == 0


def test_the_flags_of_an_inexact_report_are_on_every_row(
    server: Ga4DataServer, open_: Open
) -> None:
    for fault in ("sampled", "thresholded"):
        server.faults.switch_on(fault)
    rows = _pull(open_()).rows
    assert set(rows["subject_to_thresholding"].to_pylist()) == {True}
    assert set(rows["samples_read_count"].to_pylist()) == {500_000}
    assert set(rows["sampling_space_size"].to_pylist()) == {2_000_000}
    assert set(rows["data_loss_from_other_row"].to_pylist()) == {False}


def test_rows_past_the_limit_come_as_one_other_row_and_the_sums_hold(
    server: Ga4DataServer, open_: Open
) -> None:
    server.faults.switch_on("other_row")
    rows, books = _pull(open_()).rows, server.books(WINDOW.start, WINDOW.end)
    assert set(rows["data_loss_from_other_row"].to_pylist()) == {True}
    assert rows["session_source"].to_pylist().count("(other)") == 7
    for column in ("sessions", "event_count", "transactions", "purchase_revenue_micros"):
        daily = [t.group_by("date").aggregate([(column, "sum")]) for t in (rows, books)]
        assert daily[0].sort_by("date") == daily[1].sort_by("date")


def test_recent_days_restate_and_the_look_back_takes_them_again(
    server: Ga4DataServer, open_: Open
) -> None:
    source = open_()
    before = _pull(source).rows
    server.clock.today = TODAY + timedelta(days=3)
    after = _pull(source).rows
    assert _sorted(after) == _sorted(server.books(WINDOW.start, WINDOW.end))
    events = [pc.sum(rows["event_count"]).as_py() for rows in (before, after)]
    assert events[1] > events[0]
    assert source.lookback_days >= 4


def test_a_report_that_changes_between_its_pages_is_read_again_as_a_whole(
    server: Ga4DataServer, open_: Open
) -> None:
    server.page_rows = 60
    server.faults.switch_on("thresholded", times=1)
    rows = _pull(open_()).rows
    assert server.offsets[:3] == [0, 60, 0]
    assert _sorted(rows) == _sorted(server.books(WINDOW.start, WINDOW.end))


def test_a_property_that_may_not_be_seen_is_refused_and_named(
    server: Ga4DataServer, open_: Open, sleeps: list[float]
) -> None:
    server.faults.switch_on("permission_denied")
    with pytest.raises(SourceRejected, match=f"property {PROPERTY_ID}: refused") as caught:
        _pull(open_())
    assert "sufficient permissions" in caught.value.message
    assert "Viewer" in str(caught.value)
    assert sleeps == []


def test_a_server_that_is_not_there_is_unavailable(sleeps: list[float]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{closed.getsockname()[1]}"
        settings = Ga4ReportSettings(property_id=PROPERTY_ID, endpoint=endpoint)
        with pytest.raises(SourceUnavailable, match="does not answer"):
            _pull(Ga4ReportSource(settings, sleep=sleeps.append))
    assert sleeps == [1.0, 2.0, 4.0, 8.0]


def test_a_call_that_would_change_something_is_recorded_and_refused(
    market: Market,
) -> None:
    with Ga4DataServer(market, Clock(TODAY)) as server:
        method = "/google.analytics.data.v1beta.BetaAnalyticsData/CreateAudienceExport"
        with grpc.insecure_channel(server.endpoint) as channel:
            call = channel.unary_unary(method)
            with pytest.raises(grpc.RpcError, match="PERMISSION_DENIED"):
                call(b"")
        assert server.mutations == [method]
