"""What the ad sets of the simulated market are set to: audiences, exclusions, the last edit.

Most are as a careful buyer would have them. What is wrong with the others is ``MISTAKES``, which no
server serves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

CUSTOMERS, CART, VIEWERS, LOOKALIKE = "230001", "230002", "230003", "230004"

US_RETARGETING_CART, US_RETARGETING_VIEWERS = "120210202000100", "120210202000200"
EU_SALES_VIDEO = "120210302000200"
_US_OPEN = ("120210201000100", "120210201000200", "120210201000300", "120210202000100")
_EU_OPEN = ("120210301000100", "120210301000200", "120210302000100", EU_SALES_VIDEO)
MISTAKES = {
    **dict.fromkeys((*_US_OPEN, *_EU_OPEN), ("overlap",)),
    US_RETARGETING_CART: ("overlap", "window_shorter_than_lag"),
    US_RETARGETING_VIEWERS: ("exclusion_missing", "overlap"),
}
"""Mistakes by ad set: visitors who bought are shown the ad that asks them to come back, and ad sets
that are open to everybody in a country bid against each other, and against those for people who
have been to the shop; and who left a cart is shown ads for two days, when many come back later."""

_EDITED_BEFORE_END = {EU_SALES_VIDEO: 2}
_LEARNING_DAYS = 7


@dataclass(frozen=True)
class Audience:
    """An audience; ``retention_days`` is None where people stay in it."""

    audience_id: str
    name: str
    kind: str
    people: int
    retention_days: int | None = None


AUDIENCES = (
    Audience(CUSTOMERS, "Customers", "CUSTOM", 21_000),
    Audience(CART, "Left a cart", "WEBSITE", 3_400, 2),
    Audience(VIEWERS, "Viewed a product", "WEBSITE", 48_000, 30),
    Audience(LOOKALIKE, "Like customers", "LOOKALIKE", 2_100_000),
)


@dataclass(frozen=True)
class AdSetting:
    """What an ad set is set to; ``edited_on`` is the day of the last edit that counts."""

    countries: tuple[str, ...]
    audiences: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    is_expanded: bool = True
    age_min: int = 18
    age_max: int = 65
    edited_on: date | None = None

    def is_learning(self, today: date) -> bool:
        """Whether the platform still learns on ``today`` after the last edit."""
        edited = self.edited_on
        return edited is not None and edited <= today < edited + timedelta(days=_LEARNING_DAYS)


_BY_GROUP = {
    "Broad": AdSetting((), excluded=(CUSTOMERS,)),
    "Lookalike": AdSetting((), (LOOKALIKE,), (CUSTOMERS,)),
    "Interest": AdSetting((), excluded=(CUSTOMERS, LOOKALIKE)),
    "Cart": AdSetting((), (CART,), (CUSTOMERS,), is_expanded=False),
    "Viewers": AdSetting((), (VIEWERS,), is_expanded=False),
    "Catalogue": AdSetting((), excluded=(CUSTOMERS,)),
    "Video": AdSetting((), excluded=(CUSTOMERS,)),
}


def ad_setting(adgroup_id: str, name: str, end: date) -> AdSetting:
    """What an ad set is set to.

    Args:
        name: as the platform shows it: "US Prospecting | Broad".
        end: the market's last day.
    """
    campaign, _, group = name.partition(" | ")
    countries = ("US",) if campaign.startswith("US") else ("DE", "FR")
    days = _EDITED_BEFORE_END.get(adgroup_id)
    edited = None if days is None else end - timedelta(days=days)
    return replace(_BY_GROUP[group], countries=countries, edited_on=edited)
