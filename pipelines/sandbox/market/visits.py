"""The simulated shop's website: the visits that GA4 measures, in its export's JSON shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.sandbox.market.interests import with_interest
from pipelines.sandbox.market.portfolio import PLANS, PLATFORMS
from pipelines.sandbox.market.shop import CLICK_IDS, OrderBook, click_id, midnights
from pipelines.sandbox.market.truth import Floats, Ints

SITE = "https://shop.canary.example"
STREAM_ID = "7311001"
_BROWSING_SESSIONS = 42
_PRODUCTS = 40
# Share of events that reach the property one and two days after their day was first exported.
_LATE = (0.97, 0.99)
_DUPLICATES = 0.003
_DEVICES = (
    {"category": "mobile", "operating_system": "iOS", "web_info": {"browser": "Safari"}},
    {"category": "mobile", "operating_system": "Android", "web_info": {"browser": "Chrome"}},
    {"category": "desktop", "operating_system": "Windows", "web_info": {"browser": "Chrome"}},
    {"category": "desktop", "operating_system": "Macintosh", "web_info": {"browser": "Safari"}},
)
_PLACES = (
    {"country": "United States", "region": "New York"},
    {"country": "United States", "region": "California"},
    {"country": "United States", "region": "Texas"},
    {"country": "Germany", "region": "Berlin"},
)
_GRANTED = {"analytics_storage": "Yes", "ads_storage": "Yes", "uses_transient_token": "No"}
_REFUSED = {"analytics_storage": "No", "ads_storage": "No", "uses_transient_token": "Yes"}
_BUYING = ("session_start", "page_view", "view_item", "add_to_cart", "begin_checkout", "purchase")
_LOOKING = ("session_start", "page_view", "view_item", "add_to_cart")
_PINGS = ("page_view", "purchase")
_PATHS = {
    "session_start": "/",
    "page_view": "/",
    "begin_checkout": "/checkout",
    "purchase": "/thanks",
}
# A visit's source: 0 direct, 1 organic search, 2 … the platforms.
_DIRECT, _ORGANIC, _PAID = 0, 1, 2


class Visit(NamedTuple):
    """One session; ``order`` is the position of the order it ends in, or -1.

    ``person`` is -1 for a visitor who never ordered; ``ad_id`` and ``click_id`` are "" for none.
    """

    at: int
    person: int
    device: int
    number: int
    source: int
    campaign: int
    ad_id: str
    click_id: str
    order: int
    consent: bool
    u: float


@dataclass(frozen=True)
class Visits:
    """The sessions of customers over the whole market, by day, and the draws for the rest.

    Args:
        cost: cost of every campaign of PLANS by day (campaigns × days): paid visits come from
            campaigns in proportion to what they spent that day.
        chances: for every campaign of PLANS, each ad's part of what it brought (days × ads).
    """

    seed: int
    scale: float
    days: list[date]
    book: OrderBook
    cost: Floats
    chances: Sequence[Floats]
    day: Ints
    at: Ints
    order: Ints
    buys: npt.NDArray[np.bool_]
    device: Ints
    number: Ints
    source: Ints
    u: Floats
    bounds: Ints
    midnights: Ints

    def events(self, day: date, today: date) -> list[dict[str, Any]]:
        """The export's rows of a property day, as known on ``today``; none before it is over.

        INT64 are strings, as BigQuery writes them to JSON. Up to 3% of a day's events come in
        on the two following days. People without consent have no ids. Few exact duplicates.
        """
        index = (day - self.days[0]).days
        if not 0 <= index < len(self.days) or today <= day:
            return []
        rng = np.random.default_rng([self.seed, 52, index])
        visits = [*self._customers(index), *self._passers_by(index, rng)]
        stamp = day.strftime("%Y%m%d")
        by_visit = [self._rows(visit, stamp) for visit in visits]
        rows = [row for of_visit, _ in by_visit for row in of_visit]
        fate = rng.random((2, len(rows)))
        known = fate[0] < (*_LATE, 1.0)[min((today - day).days, 3) - 1]
        shown = [row for row, k in zip(rows, known.tolist(), strict=True) if k]
        twice = (known & (fate[1] < _DUPLICATES)).tolist()
        shown += [row for row, t in zip(rows, twice, strict=True) if t]
        return shown + [row for _, searches in by_visit for row in searches]

    def _customers(self, index: int) -> list[Visit]:
        book, chosen = self.book, slice(int(self.bounds[index]), int(self.bounds[index + 1]))
        visits = []
        for at, order, buys, device, number, source, u in zip(
            self.at[chosen].tolist(),
            self.order[chosen].tolist(),
            self.buys[chosen].tolist(),
            self.device[chosen].tolist(),
            self.number[chosen].tolist(),
            self.source[chosen].tolist(),
            self.u[chosen].tolist(),
            strict=True,
        ):
            if (u * 7919) % 1 >= self.scale:
                continue
            person = int(book.person[order])
            campaign = self._campaign(index, source, u)
            visits.append(
                Visit(
                    at,
                    person,
                    device,
                    number,
                    source,
                    campaign,
                    self._ad(index, campaign, u),
                    self._click_id(order, source),
                    order if buys else -1,
                    bool(book.people.consent[person]),
                    u,
                )
            )
        return visits

    def _passers_by(self, index: int, rng: np.random.Generator) -> list[Visit]:
        count = int(rng.poisson(_BROWSING_SESSIONS * self.scale))
        at = self.midnights[index] + rng.integers(6 * 3_600, 86_000, count)
        source = rng.choice(5, size=count, p=[0.3, 0.3, 0.2, 0.14, 0.06])
        device = rng.integers(2**40, 2**41, count)
        draws, consent = rng.random(count), rng.random(count) < 0.8
        numbers = rng.integers(36**9, 36**10, count)
        campaigns = [self._campaign(index, int(source[i]), float(draws[i])) for i in range(count)]
        return [
            Visit(
                int(at[i]),
                -1,
                int(device[i]),
                1,
                int(source[i]),
                campaigns[i],
                self._ad(index, campaigns[i], float(draws[i])),
                click_id(CLICK_IDS[source[i] - _PAID], int(numbers[i]))
                if source[i] >= _PAID
                else "",
                -1,
                bool(consent[i]),
                float(draws[i]),
            )
            for i in range(count)
        ]

    def _campaign(self, index: int, source: int, u: float) -> int:
        """Number in PLANS of the campaign that brought a paid visit, -1 for none."""
        if source < _PAID:
            return -1
        mine = _CAMPAIGNS[source - _PAID]
        shares = np.cumsum(self.cost[mine, index])
        return int(mine[int(np.searchsorted(shares, u * shares[-1], side="right"))])

    def _ad(self, index: int, campaign: int, u: float) -> str:
        """The ad of the campaign that brought the visit."""
        if campaign < 0 or not PLANS[campaign].campaign.ads:
            return ""
        parts = np.cumsum(self.chances[campaign][index])
        at = int(np.searchsorted(parts, (u * 15_485_863) % 1 * parts[-1], side="right"))
        return PLANS[campaign].campaign.ads[min(at, len(parts) - 1)].ad_id

    def _click_id(self, order: int, source: int) -> str:
        if source < _PAID:
            return ""
        name = CLICK_IDS[source - _PAID]
        return str(self.book.clicks[name][order]) or click_id(name, 36**9 + order * 7_368_787)

    def _rows(self, visit: Visit, day: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """A visit's events, and its searches."""
        names = _BUYING if visit.order >= 0 else _LOOKING[: 2 + int(visit.u * 97) % 3]
        if visit.u > 0.5 and visit.order >= 0:
            names = ("session_start", "page_view", "view_item", "purchase")
        if not visit.consent:
            names = _PINGS if visit.order >= 0 else _PINGS[:1]
        product = 1 + int(visit.u * 1e6) % _PRODUCTS
        length = 30 + int(visit.u * 1e4) % 240
        start = visit.at - (length if visit.order >= 0 else 0)
        shared = self._shared(visit, day)
        params = _session_params(visit, start) if visit.consent else []
        step = length * 1_000_000 // len(names)
        rows = []
        for i, name in enumerate(names):
            path = _PATHS.get(name, f"/p/{product}")
            page = f"{SITE}{path}{_query(visit) if i < 2 else ''}"
            at = start * 1_000_000 + i * step + int(visit.u * 1e9) % 1_000_000
            row = {
                **shared,
                "event_timestamp": str(at),
                "event_name": name,
                "event_params": [
                    {"key": "page_location", "value": {"string_value": page}},
                    {"key": "engagement_time_msec", "value": {"int_value": str(i * step // 1000)}},
                    *params,
                ],
                "batch_page_id": str(start * 1000 + i // 2),
                "batch_ordering_id": str(1 + i // 2),
                "batch_event_index": str(1 + i % 2),
            }
            if name == "purchase":
                row["ecommerce"] = self._purchase(visit)
            rows.append(row)
        if not visit.consent:
            return rows, []
        interested = with_interest(self.seed, visit, shared["geo"]["country"], rows)
        return interested[: len(rows)], interested[len(rows) :]

    def _shared(self, visit: Visit, day: str) -> dict[str, Any]:
        place = _PLACES[int(visit.u * 8191) % 4]
        shared: dict[str, Any] = {
            "event_date": day,
            "stream_id": STREAM_ID,
            "device": _DEVICES[visit.device % 4],
            "geo": place,
            "privacy_info": _GRANTED if visit.consent else _REFUSED,
        }
        if not visit.consent:
            return shared
        mixed = (visit.device * 2_654_435_761) % 2**31
        shared["user_pseudo_id"] = f"{mixed}.{1_700_000_000 + visit.device % 30_000_000}"
        customer = self.book.people.customer_id(visit.person) if visit.person >= 0 else None
        if customer and (visit.order >= 0 or visit.u < 0.4):
            shared["user_id"] = customer
        shared["collected_traffic_source"] = _traffic(visit)
        if visit.campaign >= 0:
            shared["session_traffic_source_last_click"] = _last_click(visit)
        return shared

    def _purchase(self, visit: Visit) -> dict[str, Any]:
        fields: dict[str, Any] = {"purchase_revenue": int(self.book.cents[visit.order]) / 100}
        if visit.consent:
            fields["transaction_id"] = self.book.order_id(visit.order)
        return fields


_CAMPAIGNS = [
    np.array([i for i, p in enumerate(PLANS) if p.campaign.platform == name]) for name in PLATFORMS
]
_UTM = {
    "google_ads": ("google", "cpc"),
    "meta_ads": ("facebook", "paid_social"),
    "tiktok_ads": ("tiktok", "paid_social"),
}


def _session_params(visit: Visit, start: int) -> list[dict[str, Any]]:
    return [
        {"key": "ga_session_id", "value": {"int_value": str(start)}},
        {"key": "ga_session_number", "value": {"int_value": str(visit.number)}},
    ]


def _query(visit: Visit) -> str:
    """What a landing page's address carries: click id, campaign, ad, now and then an address."""
    if visit.campaign >= 0:
        source, medium = _UTM[PLANS[visit.campaign].campaign.platform]
        tags = f"&utm_source={source}&utm_medium={medium}&utm_content={visit.ad_id}"
        tags = "" if visit.source == _PAID else tags
        clicked = f"{CLICK_IDS[visit.source - _PAID]}={visit.click_id}" if visit.consent else ""
        return f"?{clicked}{tags}"
    # Some newsletter link leaks the reader's address, as such links do.
    return "?email=reader%40example.org" if visit.u < 0.01 else ""


def _traffic(visit: Visit) -> dict[str, Any]:
    if visit.source == _DIRECT:
        return {}
    if visit.source == _ORGANIC:
        return {"manual_source": "google", "manual_medium": "organic"}
    campaign = PLANS[visit.campaign].campaign
    if visit.source == _PAID:
        # Paid clicks without UTM tags are exported as organic; the gclid tells.
        return {
            "manual_source": "google",
            "manual_medium": "organic" if visit.u < 0.3 else "cpc",
            "gclid": visit.click_id,
        }
    source, medium = _UTM[campaign.platform]
    return {
        "manual_source": source,
        "manual_medium": medium,
        "manual_campaign_id": campaign.campaign_id,
        "manual_campaign_name": campaign.name,
    }


def _last_click(visit: Visit) -> dict[str, Any]:
    campaign = PLANS[visit.campaign].campaign
    source, medium = _UTM[campaign.platform]
    manual = {
        "campaign_id": campaign.campaign_id,
        "campaign_name": campaign.name,
        "source": source,
        "medium": medium,
    }
    if campaign.platform != "google_ads":
        return {"manual_campaign": manual}
    google = {"customer_id": campaign.account_id, "campaign_id": campaign.campaign_id}
    return {"manual_campaign": manual, "google_ads_campaign": google}


def visit_the_site(  # noqa: PLR0917
    seed: int,
    scale: float,
    days: list[date],
    book: OrderBook,
    cost: Floats,
    chances: Sequence[Floats],
) -> Visits:
    """Every order's buying session and, for half of them, sessions in the two weeks before."""
    rng = np.random.default_rng([seed, 51])
    real = np.flatnonzero(~book.test)
    earlier = np.repeat(real, rng.choice(4, size=len(real), p=[0.5, 0.28, 0.14, 0.08]))
    lag = np.minimum(rng.integers(0, 15, len(earlier)), book.day[earlier])
    starts = midnights(days)
    # Not the order's own second, and early enough to end before midnight.
    second = np.minimum(book.second[earlier] - np.where(lag == 0, 5_400, 0), 86_000)
    order = np.concatenate([real, earlier])
    buys = np.arange(len(order)) < len(real)
    at = np.concatenate([book.at[real], starts[book.day[earlier] - lag] + second])
    day = np.concatenate([book.day[real], book.day[earlier] - lag])
    person = book.person[order]
    device = person * 4 + np.floor(rng.random(len(order)) * book.people.devices[person]).astype(int)
    cause = book.channel[order]
    fallback = rng.choice([_DIRECT, _ORGANIC], size=len(order))
    by_cause = np.where(cause > 0, cause + 1, fallback)
    # A click id at checkout means that the buying session came from that platform.
    clicked = fallback
    for i, name in enumerate(CLICK_IDS):
        clicked = np.where(book.clicks[name][order] != "", _PAID + i, clicked)
    source = np.where(buys, clicked, np.where(rng.random(len(order)) < 0.7, by_cause, fallback))
    u = rng.random(len(order))
    sort = np.lexsort((at, day))
    day, at, device = day[sort], at[sort], device[sort]
    return Visits(
        seed=seed,
        scale=scale,
        days=days,
        book=book,
        cost=cost,
        chances=chances,
        day=day,
        at=at,
        order=order[sort],
        buys=buys[sort],
        device=device,
        number=_session_numbers(device, at),
        source=source[sort],
        u=u[sort],
        bounds=np.searchsorted(day, np.arange(len(days) + 1)).astype(np.int64),
        midnights=starts,
    )


def _session_numbers(device: Ints, at: Ints) -> Ints:
    """1, 2, 3 … for each device's sessions in order of time."""
    order = np.lexsort((at, device))
    first = np.r_[True, device[order][1:] != device[order][:-1]]
    position = np.arange(len(order))
    rank = position - np.maximum.accumulate(np.where(first, position, 0)) + 1
    numbers: Ints = np.empty(len(order), dtype=np.int64)
    numbers[order] = rank
    return numbers
