"""The simulated shop: who ordered what and when, and what came back later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.sandbox.market.portfolio import CURRENCY, PLATFORMS, SHOP_TIME_ZONE
from pipelines.sandbox.market.truth import Ints, Truth

Bools = npt.NDArray[np.bool_]

_KNOWN_CUSTOMERS = 4_000
_FIRST_NAMES = ("ada", "ben", "cleo", "dan", "eva", "finn", "gia", "hugo", "ida", "jon", "kim")
_LAST_NAMES = ("stone", "rivera", "okafor", "lind", "marsh", "novak", "patel", "quinn", "vega")
_DOMAINS = ("gmail.com", "gmail.com", "example.org", "example.net", "mail.example")
# Orders by hour of the shop's day; none at the hours when clocks change.
_HOURS = np.array([0] * 6 + [1, 2, 3, 5, 6, 6, 7, 6, 5, 5, 5, 6, 7, 9, 10, 9, 6, 3], dtype=float)
_CHANNELS = ("base", *PLATFORMS)
# In the order of PLATFORMS.
CLICK_IDS = ("gclid", "fbclid", "ttclid")
# Share of a platform's own orders, and of the unpaid ones, that show its click id at checkout.
_CLICKED = {"gclid": (0.85, 0.18), "fbclid": (0.70, 0.10), "ttclid": (0.60, 0.03)}
_CLICK_PREFIX = {"gclid": "Cj0KCQ", "fbclid": "IwAR", "ttclid": "E.C.P."}


@dataclass(frozen=True)
class People:
    """Customers by number: consent to analytics, devices, guest or registered."""

    consent: Bools
    devices: Ints
    guest: Bools

    def customer_id(self, person: int) -> str | None:
        """The shop's customer id; None for people who order as guests."""
        return None if self.guest[person] else f"C{700_000 + person}"

    def email(self, person: int, spelling: int) -> str:
        """The person's address, as typed this time (0 is plain)."""
        first, last = _FIRST_NAMES[person % 11], _LAST_NAMES[person // 11 % 9]
        domain = _DOMAINS[person // 99 % 5]
        if spelling == 1:
            return f"{first.title()}.{last.title()}{person}@{domain.upper()}"
        if spelling == 2 and domain == "gmail.com":
            return f"{first[0]}.{first[1:]}{last}{person}@{domain}"
        if spelling == 3 and domain == "gmail.com":
            return f"{first}.{last}{person}+shop@{domain}"
        if spelling == 4:
            return f" {first}.{last}{person}@{domain} "
        return f"{first}.{last}{person}@{domain}"

    def phone(self, person: int) -> str | None:
        """The person's phone number; None for the two in three who leave none."""
        return None if person % 3 else f"+1 212-555-{person % 10_000:04d}"


@dataclass(frozen=True)
class OrderBook:
    """Every order of the market in order of time, as arrays of one length.

    Args:
        day: index of the shop day.
        second: second of the day on the shop's clock.
        at: seconds since the epoch, UTC.
        person: number of the customer in ``people``.
        channel: index of the true cause in ``base`` and the platforms.
        cents: order total.
        refund_day: index of the day of the refund, or a day beyond the market for none.
        refund_cents: what is refunded then.
        cancelled, test: flags.
        clicks: click id seen at checkout, by parameter name; "" for none.
        day_bounds: position of each day's first order, with the end as last entry.
    """

    start: date
    people: People
    day: Ints
    second: Ints
    at: Ints
    person: Ints
    is_new: Bools
    channel: Ints
    cents: Ints
    refund_day: Ints
    refund_cents: Ints
    cancelled: Bools
    test: Bools
    spelling: Ints
    clicks: dict[str, npt.NDArray[np.str_]]
    day_bounds: Ints

    def order_id(self, position: int) -> str:
        """The shop's number of the order at a position."""
        return f"CS-{100_001 + position}"

    def table(self, start: date, end: date, today: date) -> pa.Table:
        """Orders placed on shop days up to ``min(end, today - 1)``, as known on ``today``.

        Columns order_id, order_date, created_at and updated_at (UTC), customer_id, email (as
        typed) and phone (customer_id null for guests), is_new_customer, gclid, fbclid, ttclid,
        total_cents, refunded_cents, currency, financial_status (paid, partially_refunded or
        refunded), cancelled, test.
        """
        last = min(
            (min(end, today - timedelta(days=1)) - self.start).days, len(self.day_bounds) - 2
        )
        first = max((start - self.start).days, 0)
        low = int(self.day_bounds[first]) if first <= last else 0
        high = int(self.day_bounds[last + 1]) if first <= last else 0
        rows = slice(low, high)
        refunded = self.refund_day[rows] <= (today - self.start).days - 1
        refund_cents = np.where(refunded, self.refund_cents[rows], 0)
        cents, day = self.cents[rows], self.day[rows]
        updated = self.at[rows] + np.where(
            refunded,
            (self.refund_day[rows] - day) * 86_400,
            np.where(self.cancelled[rows], 3_600, 0),
        )
        status = np.where(
            refund_cents == 0,
            "paid",
            np.where(refund_cents < cents, "partially_refunded", "refunded"),
        )
        people, persons = self.people, self.person[rows].tolist()
        epoch = np.datetime64(self.start, "D")
        stamp = pa.timestamp("s", tz="UTC")
        return pa.table(
            {
                "order_id": pa.array([self.order_id(i) for i in range(low, high)], pa.string()),
                "order_date": pa.array(epoch + day.astype("timedelta64[D]"), pa.date32()),
                "created_at": pa.array(self.at[rows]).cast(stamp),
                "updated_at": pa.array(updated).cast(stamp),
                "customer_id": pa.array([people.customer_id(p) for p in persons], pa.string()),
                "email": pa.array(
                    map(people.email, persons, self.spelling[rows].tolist()), pa.string()
                ),
                "phone": pa.array(map(people.phone, persons), pa.string()),
                "is_new_customer": self.is_new[rows],
                **{
                    name: pa.array([c or None for c in ids[rows].tolist()], pa.string())
                    for name, ids in self.clicks.items()
                },
                "total_cents": cents,
                "refunded_cents": refund_cents,
                "currency": pa.repeat(CURRENCY, high - low),
                "financial_status": pa.array(status.tolist(), pa.string()),
                "cancelled": self.cancelled[rows],
                "test": self.test[rows],
            }
        )


def midnights(days: list[date]) -> Ints:
    """Seconds since the epoch of each shop day's midnight, by the offset in force at noon."""
    zone = ZoneInfo(SHOP_TIME_ZONE)
    offsets = [datetime.combine(d, time(12), zone).utcoffset() or timedelta() for d in days]
    naive = [datetime.combine(d, time(0), UTC) for d in days]
    return np.array(
        [int((n - o).timestamp()) for n, o in zip(naive, offsets, strict=True)], dtype=np.int64
    )


def take_orders(seed: int, truth: Truth, order_value: float) -> OrderBook:
    """Give every true order a customer, a basket (dollars, mean ``order_value``) and a fate."""
    rng = np.random.default_rng([seed, 41])
    days = list(truth.days)
    day, channel = _placed(truth)
    count = len(day)
    hour = rng.choice(24, size=count, p=_HOURS / _HOURS.sum())
    second = hour * 3_600 + rng.integers(0, 3_600, size=count)
    order = np.lexsort((second, day))
    day, second, channel = day[order], second[order], channel[order]

    is_new = rng.random(count) < np.where(channel == 0, 0.45, 0.70)
    known_before = _KNOWN_CUSTOMERS + np.cumsum(is_new) - is_new
    person = np.where(is_new, known_before, np.floor(rng.random(count) * known_before)).astype(int)
    population = _KNOWN_CUSTOMERS + int(is_new.sum())
    people = People(
        consent=rng.random(population) >= 0.20,
        devices=rng.choice([1, 2, 3], size=population, p=[0.55, 0.33, 0.12]).astype(np.int64),
        guest=rng.random(population) < 0.12,
    )
    cents = np.rint(100 * rng.lognormal(np.log(order_value) - 0.1, np.sqrt(0.2), count))
    cents = cents.astype(np.int64)
    cancelled, test = rng.random(count) < 0.008, rng.random(count) < 0.003
    refunds = (rng.random(count) < 0.04) & ~cancelled & ~test
    refund_day = np.where(refunds, day + rng.integers(3, 22, count), 10**9)
    part = np.where(rng.random(count) < 0.3, rng.uniform(0.2, 0.8, count), 1.0)
    return OrderBook(
        start=days[0],
        people=people,
        day=day,
        second=second,
        at=midnights(days)[day] + second,
        person=person,
        is_new=is_new,
        channel=channel,
        cents=cents,
        refund_day=refund_day,
        refund_cents=np.where(refunds, np.rint(cents * part), 0).astype(np.int64),
        cancelled=cancelled,
        test=test,
        spelling=rng.integers(0, 5, count),
        clicks={name: _click_ids(rng, name, channel, people.consent[person]) for name in CLICK_IDS},
        day_bounds=np.searchsorted(day, np.arange(len(days) + 1)).astype(np.int64),
    )


def _placed(truth: Truth) -> tuple[Ints, Ints]:
    """Day and true cause of every order."""
    counts = np.stack([truth.realised[name] for name in _CHANNELS])
    index = np.arange(len(truth.days))
    day = np.concatenate([np.repeat(index, row) for row in counts])
    return day, np.repeat(np.arange(len(_CHANNELS)), counts.sum(axis=1))


def click_id(name: str, number: int) -> str:
    """A click id of a platform, by its parameter's name."""
    return f"{_CLICK_PREFIX[name]}{number:x}"


def _click_ids(
    rng: np.random.Generator, name: str, channel: Ints, consent: Bools
) -> npt.NDArray[np.str_]:
    own, unpaid = _CLICKED[name]
    chance = np.where(channel == 1 + CLICK_IDS.index(name), own, 0.0)
    chance = np.where(channel == 0, unpaid, chance)
    seen = (rng.random(len(channel)) < chance) & consent
    numbers = rng.integers(36**9, 36**10, len(channel))
    return np.array(
        [click_id(name, n) if s else "" for n, s in zip(numbers.tolist(), seen, strict=True)]
    )
