"""Pulls the European Central Bank's daily euro reference rates from its Data API (SDMX, CSV)."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

import httpx

from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.secret_settings import Secrets
from pipelines.source_settings import FxRatesSettings
from pipelines.sources.base import KEPT, Account, Batch, Unreadable, Window
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.shapes.columns import typed

NAME = "fx_rates"
ACCOUNT = Account("ecb", "European Central Bank", "EUR", "Europe/Berlin")
_COLUMNS = ("CURRENCY", "CURRENCY_DENOM", "TIME_PERIOD", "OBS_VALUE")
_NOT_FOUND = 404

Rates = dict[str, dict[date, str]]


@dataclass(frozen=True)
class _Answer:
    """Rates as written, by currency and day, and the rows that can't be read."""

    rates: Rates
    unreadable: tuple[Unreadable, ...] = ()


class FxRatesSource:
    """Units of a currency for one euro, on the days the bank sets a rate.

    It sets none at weekends and on its holidays: those days have no row, and whoever needs a
    rate then carries the last one forward. All currencies are set together, so that a currency
    without the days of the others is an answer that was cut short. A row that can't be read is
    named, and stops the batch: its suite lets no rate be left out.

    Args:
        settings: the currencies and the API's base URL.
        sleep, backoff: how retries wait.
    """

    name = NAME
    tables = ("raw.fx_rates",)
    account_ids = (ACCOUNT.account_id,)
    span = None
    max_window_days = 366

    def __init__(
        self,
        settings: FxRatesSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        backoff: float = 0.5,
    ) -> None:
        self.lookback_days = settings.lookback_days
        self._currencies = settings.currencies
        self._api = HttpApi(
            NAME, settings.url, inspect=_inspect, json=False, backoff=backoff, sleep=sleep
        )

    def account(self, account_id: str) -> Account:
        """The bank, which needs no asking.

        Raises:
            SourceRejected: another account was asked for.
        """
        if account_id != ACCOUNT.account_id:
            raise SourceRejected(
                f"{NAME}: there is no account '{account_id}'; the one there is is 'ecb'.",
                kept=KEPT,
                fix="Use --account ecb, or leave it out.",
            )
        return ACCOUNT

    def reach(self, account_id: str) -> None:
        """Ask for the rates of the last ten days, as :class:`pipelines.sources.base.Reaches`."""
        today = datetime.now(UTC).date()
        self._answer(account_id, Window(today - timedelta(days=10), today))

    @property
    def clock_offset(self) -> timedelta | None:
        """As :class:`pipelines.sources.base.HearsClock`."""
        return self._api.clock_offset

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """The rates set in the window.

        Raises:
            SourceRejected: a currency has no rates, or not those of every day; names it.
        """
        pulled_at = datetime.now(UTC)
        answer = self._answer(account_id, window)
        rates, unreadable = answer.rates, answer.unreadable
        days = {day for by_day in rates.values() for day in by_day}
        for currency in self._currencies if days and not unreadable else ():
            if lacking := sorted(days - set(rates.get(currency, {}))):
                raise SourceRejected(
                    f"{NAME} account {account_id}, {window}: no rate of {currency} on "
                    f"{len(lacking)} of {len(days)} days, from {lacking[0]}.",
                    kept=KEPT,
                    fix=f"Remove {currency} from sources.fx_rates.currencies if the bank no "
                    "longer sets it.",
                )
        quotes = [
            (day, currency, text)
            for currency in self._currencies
            for day, text in rates.get(currency, {}).items()
        ]
        columns = {
            "account_id": [account_id] * len(quotes),
            "date": [day for day, _, _ in quotes],
            "base_currency": ["EUR"] * len(quotes),
            "quote_currency": [currency for _, currency, _ in quotes],
            "rate": [float(text) for _, _, text in quotes],
            "rate_text": [text for _, _, text in quotes],
        }
        rows = typed("raw.fx_rates", columns)
        yield Batch(
            *(self.name, "raw.fx_rates", account_id, None, window, rows, pulled_at),
            unreadable=unreadable,
        )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: a rate is set once."""
        yield from ()

    def _answer(self, account_id: str, window: Window) -> _Answer:
        path = f"service/data/EXR/D.{'+'.join(self._currencies)}.EUR.SP00.A"
        days = {"startPeriod": str(window.start), "endPeriod": str(window.end)}
        try:
            reply = self._api.call(account_id, "GET", path, params={**days, "format": "csvdata"})
        except SourceRejected as error:
            # how the API says that no observation lies in the window
            if f"answered {_NOT_FOUND}: No results found" in error.message:
                return _Answer({})
            raise
        answer = _parse(reply.text)
        rates = {
            currency: {
                day: text for day, text in by_day.items() if window.start <= day <= window.end
            }
            for currency, by_day in answer.rates.items()
        }
        return _Answer(rates, answer.unreadable)


def open_source(settings: FxRatesSettings, _: Secrets) -> FxRatesSource:
    """The bank's rates as configured; no secret is needed."""
    return FxRatesSource(settings)


def _inspect(account_id: str, reply: httpx.Response) -> None:
    try:
        _parse(reply.text)
    except ValueError as error:
        raise SourceUnavailable(
            f"{NAME} account {account_id}: the answer is not a whole CSV file ({error}).",
            kept=KEPT,
            fix="Run again later; if it lasts, check sources.fx_rates.url.",
        ) from None


def _parse(text: str) -> _Answer:
    """Rates as written, by currency and day; days without a value are left out.

    Raises:
        ValueError: no header, no row, or a last row that is not whole.
    """
    lines = csv.reader(text.splitlines())
    header = next(lines, [])
    if lacking := [name for name in _COLUMNS if name not in header]:
        raise ValueError(f"no column {', '.join(lacking)}")
    positions = [header.index(name) for name in _COLUMNS]
    rates: Rates = {}
    unreadable: list[Unreadable] = []
    row: list[str] = []
    for row in lines:
        why, place = "", {"file": "the answer", "line": str(lines.line_num)}
        if len(row) != len(header):
            why = f"{len(row)} of {len(header)} fields"
        else:
            currency, base, day, value = (row[position] for position in positions)
            by_day = rates.setdefault(currency, {})
            if base != "EUR":
                why = "it isn't for one euro"
            elif value not in {"", "NaN"}:
                try:
                    if not 0 < Decimal(value) < Decimal("inf"):
                        raise ValueError
                    by_day[date.fromisoformat(day)] = value
                except (ValueError, InvalidOperation):
                    why = "the day or the rate can't be read"
        if why:
            unreadable.append(Unreadable(place, why, row={"fields": row}))
    if not row:
        raise ValueError("no rows")
    if len(row) < len(header):
        raise ValueError(f"the last row has {len(row)} of {len(header)} fields")
    return _Answer(rates, tuple(unreadable))
