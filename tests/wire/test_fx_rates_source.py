"""Euro reference rates over HTTP against the simulated bank's books, and every fault of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import httpx
import pytest

from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.fx_rates.server import BREAKING, FAULTS, FxServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import FxRatesSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.fx_rates.source import FxRatesSource
from tests.wire.contract_shape import assert_fits

TODAY = date(2026, 7, 1)
SPRING = Window(date(2026, 3, 16), date(2026, 5, 10))
CURRENCIES = ("USD", "GBP", "CHF", "JPY")


@pytest.fixture(scope="module")
def _bank(market: Market) -> Iterator[FxServer]:
    with FxServer(market, Clock(TODAY)) as running:
        yield running


@pytest.fixture
def bank(_bank: FxServer) -> Iterator[FxServer]:
    yield _bank
    _bank.faults.switch_off()
    _bank.mutations.clear()


def pull(bank: FxServer, window: Window = SPRING, *currencies: str, url: str = "") -> Batch:
    settings = FxRatesSettings(url=url or bank.url, currencies=currencies or CURRENCIES)
    source = FxRatesSource(settings, sleep=lambda _: None)
    (batch,) = source.pull(source.account("ecb").account_id, window)
    return batch


def reconcile(bank: FxServer, batch: Batch) -> None:
    rows = batch.rows.to_pylist()
    found = {(r["quote_currency"], r["date"]): r["rate_text"] for r in rows}
    books = {
        (currency, day): rate
        for currency in CURRENCIES
        for day, rate in bank.books(currency, batch.window.start, batch.window.end).items()
    }
    assert found == books
    assert len(rows) == len(books) > 0


def test_rates_equal_the_books_and_keep_every_decimal(bank: FxServer) -> None:
    batch = pull(bank)
    reconcile(bank, batch)
    for row in batch.rows.to_pylist():
        assert row["rate"] == float(Decimal(row["rate_text"]))
        assert row["base_currency"] == "EUR"
    assert bank.mutations == []


def test_days_on_which_the_bank_is_closed_have_no_row(bank: FxServer) -> None:
    days = set(pull(bank).rows["date"].to_pylist())
    easter = {date(2026, 4, 3), date(2026, 4, 6)}
    assert all(day.weekday() < 5 for day in days)
    assert not days & (easter | {date(2026, 5, 1)})
    assert {date(2026, 4, 2), date(2026, 4, 7), date(2026, 4, 30)} <= days


def test_a_weekend_is_an_empty_batch(bank: FxServer) -> None:
    weekend = pull(bank, Window(date(2026, 5, 9), date(2026, 5, 10)))
    assert weekend.rows.num_rows == 0
    for batch in (weekend, pull(bank)):
        assert_fits(batch)


def test_today_has_no_rate_yet(bank: FxServer) -> None:
    days = pull(bank, Window(date(2026, 6, 25), date(2026, 7, 3))).rows["date"].to_pylist()
    assert max(days) == date(2026, 6, 30)


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - BREAKING))
def test_a_fault_that_passes_leaves_every_rate(bank: FxServer, fault: str) -> None:
    bank.faults.switch_on(fault, times=1)
    reconcile(bank, pull(bank))
    assert not bank.faults.strikes(fault)  # it struck: none of its times is left


def test_all_faults_that_pass_at_once_leave_every_rate(bank: FxServer) -> None:
    for fault in set(FAULTS) - BREAKING:
        bank.faults.switch_on(fault)
    reconcile(bank, pull(bank))


def test_a_currency_that_is_missing_is_named(bank: FxServer) -> None:
    bank.faults.switch_on("missing_currency")
    with pytest.raises(SourceRejected, match=r"ecb, .*: no rate of USD on 37 of 37 days"):
        pull(bank)
    bank.faults.switch_off()
    with pytest.raises(SourceRejected, match="no rate of XXX"):
        pull(bank, SPRING, "USD", "XXX")


def test_a_file_cut_at_the_end_of_a_row_is_seen_by_the_days_it_lacks(
    bank: FxServer, market: Market
) -> None:
    class Cut(FxServer):
        def books(self, currency: str, start: date, end: date) -> dict[date, str]:
            days = super().books(currency, start, end)
            return dict(list(days.items())[:-3]) if currency == "USD" else days

    with Cut(market, Clock(TODAY)) as cut, pytest.raises(SourceRejected, match="USD on 3 of 37"):
        pull(cut)


def test_an_unknown_account_and_an_absent_bank_are_refused(bank: FxServer) -> None:
    with pytest.raises(SourceRejected, match="no account 'fed'"):
        FxRatesSource(FxRatesSettings(url=bank.url)).account("fed")
    with pytest.raises(SourceUnavailable, match="fx_rates account ecb"):
        pull(bank, url="http://127.0.0.1:9")
    with pytest.raises(SourceRejected, match="answered 404"):
        pull(bank, url=f"{bank.url}/elsewhere")


def test_a_mutating_call_is_recorded_and_refused(bank: FxServer) -> None:
    answer = httpx.put(f"{bank.url}/service/data/EXR/D.USD.EUR.SP00.A", content=b"")
    assert answer.status_code == 403
    assert bank.mutations == ["PUT /service/data/EXR/D.USD.EUR.SP00.A"]
