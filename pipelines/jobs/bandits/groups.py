"""Ad groups as the marts have them: what each ad cost and brought, by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from pipelines.jobs.bandits.off_policy import Floats

RUNNING_DAYS = 7
"""An ad runs if it cost anything in so many last days."""

_KEY = ("platform", "account_id", "campaign_id", "adgroup_id")


@dataclass(frozen=True)
class AdGroup:
    """An ad group's days, in order, the last one ``as_of``.

    Args:
        key: platform, account, campaign and ad group.
        ads: ids of all that cost anything in the window.
        cost, conversions: days × ads; cost in micros of ``currency_code``, the reporting one.
        published: by day, whether the account has any ad's row: other days are not known, not 0.
        rated: whether every cost could be converted.
    """

    key: tuple[str, str, str, str]
    ads: tuple[str, ...]
    cost: Floats
    conversions: Floats
    published: np.ndarray
    currency_code: str
    rated: bool

    @property
    def running(self) -> np.ndarray:
        """Ads that cost anything of late."""
        recent: np.ndarray = self.cost[-RUNNING_DAYS:].sum(axis=0) > 0
        return recent

    @property
    def daily_budget(self) -> int:
        """Micros that the ads together cost on a published day of late."""
        days = self.published[-RUNNING_DAYS:]
        return round(float(self.cost[-RUNNING_DAYS:][days].sum() / max(days.sum(), 1)))


def read_groups(rows: Iterable[Mapping[str, Any]], start: date, as_of: date) -> list[AdGroup]:
    """The ad groups of rows that are ordered by ad group and ad."""
    days = (as_of - start).days + 1
    every = list(rows)
    published: dict[tuple[str, str], np.ndarray] = {}
    for row in every:
        account = row["platform"], row["account_id"]
        published.setdefault(account, np.zeros(days, dtype=bool))[(row["date"] - start).days] = True
    groups = []
    for _, own in groupby(every, key=lambda row: tuple(row[name] for name in _KEY)):
        of_group = list(own)
        ads = tuple(dict.fromkeys(row["ad_id"] for row in of_group))
        place = {ad: i for i, ad in enumerate(ads)}
        cost, conversions = np.zeros((days, len(ads))), np.zeros((days, len(ads)))
        for row in of_group:
            cell = (row["date"] - start).days, place[row["ad_id"]]
            cost[cell] = max(row["cost_reporting_micros"] or 0, 0)
            conversions[cell] = max(row["conversions"] or 0.0, 0.0)
        first = of_group[0]
        groups.append(
            AdGroup(
                key=tuple(first[name] for name in _KEY),
                ads=ads,
                cost=cost,
                conversions=conversions,
                published=published[first["platform"], first["account_id"]],
                currency_code=first["reporting_currency_code"],
                rated=all(row["cost_reporting_micros"] is not None for row in of_group),
            )
        )
    return groups


def arrivals(rows: Iterable[Mapping[str, Any]], start: date, as_of: date, longest: int) -> Floats:
    """Days × (longest + 1): conversions by day of the visit and delay."""
    counts = np.zeros(((as_of - start).days + 1, longest + 1))
    for row in rows:
        counts[(row["date"] - start).days, row["lag_days"]] = row["conversions"]
    return counts


def first_day(as_of: date, days: int) -> date:
    """Of a window of so many days."""
    return as_of - timedelta(days=days - 1)
