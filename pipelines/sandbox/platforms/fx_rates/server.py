"""The European Central Bank's Data API with simulated reference rates, over HTTP on loopback."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from fastapi import FastAPI, Request, Response

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Loopback

FAULTS = {
    "server_error": "every second call is answered 503",
    "truncated_csv": "every second answer breaks off in the middle of a row",
    "missing_currency": "the last currency asked for is not in the answer",
}
BREAKING = frozenset({"missing_currency"})
# Where each currency's walk begins: units for one euro.
_FIRST_RATES = {"CAD": 1.49, "CHF": 0.94, "GBP": 0.83, "JPY": 162.0, "SEK": 11.45, "USD": 1.04}
_DAILY_CHANGE = 0.004
# The bank's fixed holidays; Good Friday and Easter Monday move.
_HOLIDAYS = {(1, 1), (5, 1), (12, 25), (12, 26)}
_SATURDAY = 5
_KEY = re.compile(r"D\.([A-Z]{3}(?:\+[A-Z]{3})*)\.EUR\.SP00\.A")
_HEADER = (
    *("KEY", "FREQ", "CURRENCY", "CURRENCY_DENOM", "EXR_TYPE", "EXR_SUFFIX", "TIME_PERIOD"),
    *("OBS_VALUE", "OBS_STATUS", "DECIMALS", "SOURCE_AGENCY", "TITLE_COMPL", "UNIT_MULT"),
)


class FxServer(Loopback):
    """``GET /service/data/EXR/D.USD+GBP.EUR.SP00.A`` at ``url``, as CSV; no token.

    Use as a context manager, or call :meth:`start` and :meth:`stop`. ``mutations`` lists every
    call that was not a read; each was answered 403.
    """

    def __init__(self, market: Market, clock: Clock) -> None:
        self.clock = clock
        self.faults = Faults(FAULTS, BREAKING)
        self.mutations: list[str] = []
        self._market = market
        self._struck: set[tuple[str, str]] = set()
        super().__init__(self._app(), "fx")

    def books(self, currency: str, start: date, end: date) -> dict[date, str]:
        """The rates set for a currency in some days, as they are written; by yesterday."""
        last = min(end, self.clock.today - timedelta(days=1))
        walk = _walk(self._market.seed, self._market.start, self._market.end, currency)
        return {day: rate for day, rate in walk.items() if start <= day <= last}

    def _app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.middleware("http")
        async def read_only(
            request: Request, call_next: Callable[[Request], Awaitable[Response]]
        ) -> Response:
            if request.method not in {"GET", "HEAD"}:
                self.mutations.append(f"{request.method} {request.url.path}")
                return Response("these data are read-only; the call was recorded", 403)
            return await call_next(request)

        @app.get("/service/data/EXR/{key}")
        def rates(key: str, startPeriod: date, endPeriod: date, request: Request) -> Response:
            if self._every_second("server_error", str(request.url)):
                return Response("Service Unavailable", 503)
            return self._rates(key, startPeriod, endPeriod, str(request.url))

        return app

    def _rates(self, key: str, start: date, end: date, asked: str) -> Response:
        matched = _KEY.fullmatch(key)
        if not matched:
            return Response("Invalid key", 400)
        currencies = sorted(set(matched[1].split("+")) & set(_FIRST_RATES))
        if self.faults.strikes("missing_currency", "ecb"):
            currencies = currencies[:-1]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_HEADER)
        for currency in currencies:
            for day, rate in self.books(currency, start, end).items():
                writer.writerow(_row(currency, day, rate))
        body = text.getvalue()
        if body.count("\n") == 1:
            return Response("No results found.", 404)
        if self._every_second("truncated_csv", asked):
            body = body[: len(body) * 2 // 3]
        return Response(body, media_type="text/csv")

    def _every_second(self, name: str, what: str) -> bool:
        """Whether a fault strikes the first, third, … time that the same is asked."""
        if (name, what) in self._struck:
            self._struck.discard((name, what))
            return False
        if not self.faults.strikes(name, "ecb"):
            return False
        self._struck.add((name, what))
        return True


def _row(currency: str, day: date, rate: str) -> tuple[str, ...]:
    title = f"ECB reference exchange rate, {currency}/Euro, 2.15 pm (C.E.T.)"
    key = f"EXR.D.{currency}.EUR.SP00.A"
    decimals = str(len(rate.split(".")[1]))
    head = (key, "D", currency, "EUR", "SP00", "A", day.isoformat())
    return (*head, rate, "A", decimals, "4F0", title, "0")


@lru_cache(maxsize=16)
def _walk(seed: int, start: date, end: date, currency: str) -> dict[date, str]:
    """A currency's rates on the bank's days: a seeded walk, two decimals for a large rate."""
    if currency not in _FIRST_RATES:
        return {}
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    open_days = [day for day in days if _is_open(day)]
    rng = np.random.default_rng([seed, 61, zlib.crc32(currency.encode())])
    first = _FIRST_RATES[currency]
    rates = first * np.exp(np.cumsum(rng.normal(0, _DAILY_CHANGE, len(open_days))))
    decimals = 2 if first > 100 else 4 if first > 1 else 5
    return {d: f"{r:.{decimals}f}" for d, r in zip(open_days, rates.tolist(), strict=True)}


def _is_open(day: date) -> bool:
    easter = _easter(day.year)
    moving = {easter - timedelta(days=2), easter + timedelta(days=1)}
    return (
        day.weekday() < _SATURDAY and (day.month, day.day) not in _HOLIDAYS and (day not in moving)
    )


def _easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    moon_correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - moon_correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
