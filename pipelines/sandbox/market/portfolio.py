"""The advertiser of the simulated market: its accounts, campaigns, ads and budgets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from pipelines.sandbox.market.truth import Ints

PLATFORMS = ("google_ads", "meta_ads", "tiktok_ads")
PROPERTY_ID = "3141592"
SHOP_ID = "canary-shop"
SHOP_TIME_ZONE = "America/New_York"
CURRENCY = "USD"


@dataclass(frozen=True)
class AdAccount:
    """An ad account; its days are days in ``time_zone``."""

    platform: str
    account_id: str
    name: str
    currency_code: str
    time_zone: str


@dataclass(frozen=True)
class Ad:
    """One ad with its present status (ENABLED, PAUSED or REMOVED).

    Args:
        flight: days before the market's end on which it began and, if it has been replaced, 0
            or the days before the end from which on it no longer ran; None for all the time.
    """

    ad_id: str
    name: str
    status: str
    flight: tuple[int, int] | None = None

    def runs(self, days: int) -> slice:
        """Which of a market's ``days`` it ran on."""
        if self.flight is None:
            return slice(0, days)
        began, ended = self.flight
        return slice(max(days - began, 0), max(days - ended, 0))

    def age(self, days: int) -> Ints:
        """Days since it began, for each of a market's ``days``; 0 before."""
        began = 0 if self.flight is None else days - self.flight[0]
        return np.maximum(np.arange(days) - began, 0)


@dataclass(frozen=True)
class AdGroup:
    """An ad group (Google, TikTok) or ad set (Meta)."""

    adgroup_id: str
    name: str
    status: str
    ads: tuple[Ad, ...]


@dataclass(frozen=True)
class Campaign:
    """A campaign with its present status; ``adgroups`` is empty for Performance Max."""

    platform: str
    account_id: str
    campaign_id: str
    name: str
    status: str
    advertising_type: str
    adgroups: tuple[AdGroup, ...]

    @property
    def ads(self) -> tuple[Ad, ...]:
        """The ads of its ad groups, in order."""
        return tuple(ad for group in self.adgroups for ad in group.ads)


@dataclass(frozen=True)
class Plan:
    """How a campaign is bought: what only the simulation knows about it.

    Args:
        budget: daily budget in whole dollars at the end of history.
        cpm, ctr: dollars per thousand impressions; clicks per impression.
        claim: how readily the platform credits this campaign with the channel's orders.
        fault: ``runaway``, ``zero_delivery`` or None.
        paused_before_end: days before the market's end on which it was paused.
    """

    campaign: Campaign
    budget: int
    cpm: float
    ctr: float
    claim: float = 1.0
    fault: str | None = None
    paused_before_end: int | None = None


ACCOUNTS = (
    AdAccount("google_ads", "1234567890", "Canary US", CURRENCY, "America/New_York"),
    AdAccount("google_ads", "2345678901", "Canary EU", CURRENCY, "Europe/Berlin"),
    AdAccount("meta_ads", "act_100200300", "Canary US", CURRENCY, "America/New_York"),
    AdAccount("meta_ads", "act_400500600", "Canary EU", CURRENCY, "Europe/Berlin"),
    AdAccount("tiktok_ads", "7001002003", "Canary TikTok", CURRENCY, "America/Los_Angeles"),
)

_SEARCH, _PMAX, _SALES, _TIKTOK = "SEARCH", "PERFORMANCE_MAX", "OUTCOME_SALES", "WEB_CONVERSIONS"
_HISTORY_DAYS = 560
_FLIGHT_DAYS, _PRESENT_FLIGHT_DAYS = (70, 130), (25, 100)


def _campaign(  # noqa: PLR0917
    account: int,
    number: int,
    name: str,
    kind: str,
    adgroups: tuple[str, ...] = (),
    ads: int = 2,
    status: str = "ENABLED",
) -> Campaign:
    owner = ACCOUNTS[account]
    prefix = {"google_ads": 21, "meta_ads": 12021, "tiktok_ads": 1801}[owner.platform]
    base = int(f"{prefix}{account:02d}{number:02d}000000")
    return Campaign(
        owner.platform,
        owner.account_id,
        str(base),
        name,
        status,
        kind,
        tuple(
            AdGroup(
                str(base + 100 * g),
                f"{name} | {group}",
                "ENABLED",
                _ads(base + 100 * g, group, ads, replaced=kind == _SALES),
            )
            for g, group in enumerate(adgroups, start=1)
        ),
    )


def _ads(base: int, group: str, ads: int, *, replaced: bool) -> tuple[Ad, ...]:
    """The ads of a group; where ads are replaced, as many at a time, and all those before them."""
    made = []
    for place, letter in enumerate("ABC"[:ads], start=1):
        if not replaced:
            made.append(Ad(str(base + place), f"{group} {letter}", "ENABLED"))
            continue
        rng, ended, before = np.random.default_rng(base + place), 0, 0
        while ended < _HISTORY_DAYS:
            began = ended + int(rng.integers(*(_FLIGHT_DAYS if before else _PRESENT_FLIGHT_DAYS)))
            name = f"{group} {letter}" + (f" (before {before})" if before else "")
            status = "PAUSED" if before else "ENABLED"
            made.append(Ad(str(base + place + 10 * before), name, status, (began, ended)))
            ended, before = began, before + 1
    return tuple(made)


# One campaign runs away and one stops delivering at the end of history; one was paused
# long before. The rest keep to their budgets.
PLANS = (
    Plan(_campaign(0, 1, "US Search Brand", _SEARCH, ("Exact", "Phrase")), 120, 42.0, 0.085, 1.8),
    Plan(
        _campaign(0, 2, "US Search Generic", _SEARCH, ("Shoes", "Jackets", "Gifts"), 3),
        260,
        55.0,
        0.045,
    ),
    Plan(_campaign(0, 3, "US Performance Max", _PMAX), 150, 9.0, 0.012, 1.2),
    Plan(_campaign(1, 1, "DE Search Brand", _SEARCH, ("Exact", "Phrase")), 60, 36.0, 0.08, 1.7),
    Plan(
        _campaign(1, 2, "DE Search Generic", _SEARCH, ("Schuhe", "Jacken"), 3),
        110,
        48.0,
        0.04,
        fault="zero_delivery",
    ),
    Plan(
        _campaign(1, 3, "DE Search Competitors", _SEARCH, ("Rivals", "Prices"), status="PAUSED"),
        50,
        60.0,
        0.03,
        0.7,
        paused_before_end=212,
    ),
    Plan(
        _campaign(2, 1, "US Prospecting", _SALES, ("Broad", "Lookalike", "Interest"), 3),
        260,
        11.0,
        0.011,
        0.9,
        fault="runaway",
    ),
    Plan(_campaign(2, 2, "US Retargeting", _SALES, ("Cart", "Viewers")), 90, 15.0, 0.016, 1.9),
    Plan(_campaign(3, 1, "EU Prospecting", _SALES, ("Broad", "Lookalike"), 3), 180, 9.5, 0.010),
    Plan(_campaign(3, 2, "EU Sales", _SALES, ("Catalogue", "Video")), 120, 10.5, 0.012, 1.1),
    Plan(_campaign(4, 1, "TikTok Prospecting", _TIKTOK, ("Broad", "Creators"), 3), 130, 6.0, 0.009),
    Plan(_campaign(4, 2, "TikTok Catalogue", _TIKTOK, ("Feed", "Dynamic")), 70, 6.5, 0.010, 1.2),
)


@dataclass(frozen=True)
class Budget:
    """A daily budget in micros that holds from ``effective_from`` until the next one."""

    effective_from: date
    daily_budget_micros: int


def budget_history(seed: int, start: date, end: date) -> dict[str, tuple[Budget, ...]]:
    """Each campaign's budgets in order of time: three changes, the last 60 or more days ago."""
    rng = np.random.default_rng([seed, 11])
    span = max((end - start).days - 60, 4)
    history = {}
    for plan in PLANS:
        changes = np.sort(rng.choice(np.arange(1, span), size=3, replace=False))
        levels = [*rng.uniform(0.7, 1.2, size=3), 1.0]
        history[plan.campaign.campaign_id] = tuple(
            Budget(
                start + timedelta(days=int(offset)), round(plan.budget * float(level)) * 1_000_000
            )
            for offset, level in zip([0, *changes], levels, strict=True)
        )
    return history
