"""Who is behind a visit of the simulated site: households, networks and browsers.

The shop's servers see a visit's address and browser; who the visitor is, only
:func:`identity_truth` says, which is for ``adcanary evaluate``, ``adcanary lab`` and tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from pipelines.sandbox.market.interests import interest_of
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.shop import OrderBook
from pipelines.sandbox.market.truth import Floats, Ints
from pipelines.sandbox.market.visits import Visit, Visits

# Customers of one household, and the share that lives with IPv6 (a /48 a household) or behind an
# IPv4 /24 that some neighbours have too.
_HOUSEHOLD_SIZES = (0.86, 0.11, 0.03)
# Members of a household come to the shop within a few weeks of each other, by word of mouth.
_NEIGHBOURS = 400
_IPV6_HOMES = 0.55
_IPV4_BLOCKS = 40_000
_CARRIERS, _CARRIER_BLOCKS = 4, 6
_OFFICES, _OFFICE_WORKERS = 60, 0.15
_CAFES = 200
# Where a visit is made from: the office at working hours, a carrier's network on a mobile, or away.
_AT_OFFICE, _ON_CARRIER, _AWAY = 0.6, 0.22, 0.04
# A passer-by who lives with a customer of the last weeks: of the devices in a customer's home that
# nobody signed in on, about one in four is somebody else's.
_FAMILY, _FAMILY_DAYS = 0.02, 60
_WORKING_HOURS = range(9, 17)
# Further visits, each by a draw of its own, within so many days and at most so far from the hour.
_RETURNS, _RETURN_CHANCE = (32_452_843, 49_979_687), 0.55
_RETURN_DAYS, _HABIT_SECONDS = 14, 3 * 3_600
_KIT = " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0"
# In the order of the devices in visits.py, so that GA4 and the servers see the same browser.
_USER_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.{1} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K)" + _KIT + " Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + _KIT + " Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.{1} Safari/605.1.15",
)
_MOBILE = (0, 1)


_Numbers = TypeVar("_Numbers", Ints, Floats)


class Sighting(NamedTuple):
    """A consenting visit as the shop's servers see it; ``at`` is its first second, UTC.

    ``client_id`` equals GA4's user_pseudo_id. ``user_id`` is the customer's where signed in.
    ``order`` is the position of the order that it ends in, or -1.
    """

    at: int
    client_id: str
    user_id: str | None
    ip: str
    user_agent: str
    order: int


@dataclass(frozen=True)
class IdentityTruth:
    """Which person each identifier is, by number of the customer; nobody's number is negative.

    Args:
        devices: GA4's user_pseudo_id → person; one who never ordered is a person of their own.
        orders: the shop's order id → person.
        emails: every spelling of a customer's address → person.
    """

    devices: dict[str, int]
    orders: dict[str, int]
    emails: dict[str, int]


class Visitors:
    """The consenting visits of a market, with what the servers see of each: those that GA4
    measures, and those that browsers keep from it.

    The same market gives the same. People live in households of one to three, most at an address
    of their own; mobiles are a fifth of the time in one of a few carriers' networks; some people
    spend working hours in an office's network, which dozens share.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._by_day: dict[int, list[Visit]] = {}

    def of_day(self, day: date) -> list[Sighting]:
        """The visits of a day of the shop, in order of time."""
        index = (day - self._market.start).days
        visits = [*self._measured(index), *self._unmeasured(index)]
        seen = [self._sighting(visit, index) for visit in visits if visit.consent]
        return sorted(seen, key=lambda sighting: (sighting.at, sighting.client_id))

    def of_order(self, position: int) -> Sighting:
        """The visit in which an order was placed; for the order's own consent, see ``consents``."""
        at, device = int(self._book.at[position]), int(self._buying_devices[position])
        person, index = int(self._book.person[position]), int(self._book.day[position])
        u = float(self._buying_draws[position])
        visit = Visit(at, person, device, 1, 0, -1, "", "", position, True, u)
        return self._sighting(visit, index)

    def position(self, order_id: str) -> int:
        """The position of an order among all of the market's."""
        return int(order_id.rpartition("-")[2]) - int(self._book.order_id(0).rpartition("-")[2])

    def consents(self, position: int) -> bool:
        """Whether the customer of an order consents to be measured."""
        return bool(self._book.people.consent[self._book.person[position]])

    @property
    def _book(self) -> OrderBook:
        return self._market._book

    @property
    def _visits(self) -> Visits:
        return self._market._visits

    def _measured(self, index: int) -> list[Visit]:
        """The visits that GA4 measures, too."""
        if index not in self._by_day:
            customers = self._visits._customers(index)
            self._by_day[index] = [*customers, *self._passers_by(index)]
        return self._by_day[index]

    def _passers_by(self, index: int) -> list[Visit]:
        # the draws of Visits.events: the same passers-by
        rng = np.random.default_rng([self._market.seed, 52, index])
        return self._visits._passers_by(index, rng)

    def _unmeasured(self, index: int) -> Iterator[Visit]:
        """Further visits in the two weeks after one, at about that time of day.

        Browsers keep them from GA4, and a customer may make them with any device.
        """
        for lag in range(1, min(_RETURN_DAYS, index) + 1):
            for visit in self._measured(index - lag):
                for factor in _RETURNS:
                    draw = (visit.u * factor) % 1
                    if int(draw * _RETURN_DAYS / _RETURN_CHANCE) == lag - 1:
                        yield self._return(visit, index, lag, (draw * 9_973) % 1)

    def _return(self, visit: Visit, index: int, lag: int, draw: float) -> Visit:
        starts, device = self._visits.midnights, visit.device
        if visit.person >= 0:
            owned = int(self._book.people.devices[visit.person])
            device = visit.person * 4 + int((draw * 31) % 1 * owned)
        hours_off = (draw * 61) % 1 * 2 - 1
        second = visit.at - int(starts[index - lag]) + int(hours_off * _HABIT_SECONDS)
        at = int(starts[index]) + min(max(second, 0), 86_000)
        return visit._replace(at=at, device=device, order=-1, click_id="", u=draw)

    @cached_property
    def _buying_devices(self) -> Ints:
        return self._of_buying(self._visits.device)

    @cached_property
    def _buying_draws(self) -> Floats:
        return self._of_buying(self._visits.u)

    def _of_buying(self, values: _Numbers) -> _Numbers:
        """Values of each order's buying visit; test orders have none, and get zeros."""
        chosen = np.zeros(len(self._book.day), dtype=values.dtype)
        buys = self._visits.buys
        chosen[self._visits.order[buys]] = values[buys]
        return chosen

    @cached_property
    def _households(self) -> Ints:
        """The household of every customer."""
        count = len(self._book.people.consent)
        rng = np.random.default_rng([self._market.seed, 71])
        sizes = rng.choice([1, 2, 3], size=count, p=_HOUSEHOLD_SIZES)
        numbers = np.repeat(np.arange(count), sizes)[:count]
        # mixed among those who came at about the same time
        order = np.lexsort((rng.random(count), np.arange(count) // _NEIGHBOURS))
        households: Ints = np.empty(count, dtype=np.int64)
        households[order] = numbers
        return households

    def _sighting(self, visit: Visit, index: int) -> Sighting:
        customer = self._book.people.customer_id(visit.person) if visit.person >= 0 else None
        signed_in = visit.order >= 0 or visit.u < 0.4  # as in visits.py
        user_agent = _USER_AGENTS[visit.device % 4]
        newest = 130 + visit.device // 4 % 9
        return Sighting(
            visit.at,
            client_id(visit.device),
            customer if signed_in else None,
            self._address(visit, index),
            user_agent.format(newest, newest % 6),
            visit.order,
        )

    def _address(self, visit: Visit, index: int) -> str:
        """The visit's IP address; of a person, the same home, office and carrier every time."""
        who = visit.person if visit.person >= 0 else visit.device
        habit = np.random.default_rng([self._market.seed, 72, who])
        office, works, carrier, family = habit.random(4)
        draw, block = (visit.u * 104_729) % 1, int(visit.u * 15_485_863)
        host = 1 + visit.device % 250
        hour = (visit.at - int(self._visits.midnights[index])) // 3_600
        weekday = (self._market.start + timedelta(days=index)).weekday() < 5
        if works < _OFFICE_WORKERS and weekday and hour in _WORKING_HOURS and draw < _AT_OFFICE:
            return f"198.18.{int(office * _OFFICES)}.{host}"
        if draw > 1 - _ON_CARRIER and visit.device % 4 in _MOBILE:
            block = block % _CARRIER_BLOCKS
            return f"100.64.{int(carrier * _CARRIERS) * _CARRIER_BLOCKS + block}.{host}"
        if draw < _AWAY:
            return f"198.19.{block % _CAFES}.{host}"
        if visit.person >= 0:
            home = int(self._households[visit.person])
        elif family < _FAMILY:
            home = int(self._households[self._customer_of(index, office)])
        else:
            home = len(self._households) + who % 30_000
        return self._home(home, visit.device)

    def _customer_of(self, index: int, draw: float) -> int:
        """A customer of the weeks up to a day, for a passer-by to live with."""
        bounds = self._book.day_bounds
        low, high = int(bounds[max(index - _FAMILY_DAYS, 0)]), int(bounds[index + 1])
        return int(self._book.person[min(low + int(draw * (high - low)), len(self._book.at) - 1)])

    def _home(self, home: int, device: int) -> str:
        mixed = home * 2_654_435_761 % 2**32
        if mixed / 2**32 < _IPV6_HOMES:
            # 2001:db8::/32 has 65,536 networks of /48, more than there are such households
            return f"2001:db8:{home * 40_503 % 2**16:x}:{home % 256:x}::{device % 2**16:x}"
        block = mixed % _IPV4_BLOCKS
        return f"10.{block // 256}.{block % 256}.{1 + (home * 7 + device) % 250}"


def client_id(device: int) -> str:
    """The first-party cookie's id of a device: GA4's user_pseudo_id of it, as in visits.py."""
    return f"{device * 2_654_435_761 % 2**31}.{1_700_000_000 + device % 30_000_000}"


def identity_truth(market: Market) -> IdentityTruth:
    """Whose the identifiers of a market are: those of every customer and of every passer-by.

    It reads what no server serves; see the module's docstring.
    """
    visitors = Visitors(market)
    book = visitors._book
    customers = range(len(book.people.consent))
    devices = {client_id(p * 4 + k): p for p in customers for k in range(book.people.devices[p])}
    for index in range(len(market.days)):
        for visit in visitors._passers_by(index):
            devices.setdefault(client_id(visit.device), -1 - len(devices))
    return IdentityTruth(
        devices=devices,
        orders={book.order_id(i): int(p) for i, p in enumerate(book.person.tolist())},
        emails={book.people.email(p, spelling): p for p in customers for spelling in range(5)},
    )


def interest_truth(market: Market) -> dict[str, str]:
    """GA4's user_pseudo_id of every device → the main interest of whose it is.

    It reads what no server serves; see the module's docstring.
    """
    visitors = Visitors(market)
    people = visitors._book.people
    interests = {
        client_id(p * 4 + k): interest_of(market.seed, p, p * 4 + k)
        for p in range(len(people.consent))
        for k in range(people.devices[p])
    }
    for index in range(len(market.days)):
        for visit in visitors._passers_by(index):
            interest = interest_of(market.seed, -1, visit.device)
            interests.setdefault(client_id(visit.device), interest)
    return interests
