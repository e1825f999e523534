"""What is shared among what: the arms of each group, and what each cost and brought by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from pipelines.jobs.bandits.off_policy import Floats

RUNNING_DAYS = 7
"""An arm runs if it cost anything in so many last days."""

IDS = ("platform", "account_id", "campaign_id", "adgroup_id", "ad_id")
ALL = "(all)"
"""In place of the ad where the arm is an ad group."""


@dataclass(frozen=True)
class Level:
    """What is an arm of what.

    Args:
        arm_kind: as contracts.bandit_decisions names it.
        arm, group: the field's words for one of each.
        depth: ids that name the group; the next of ``IDS`` names the arm.
        finest: values of finest_level whose rows an arm is summed from.
    """

    arm_kind: str
    arm: str
    group: str
    depth: int
    finest: frozenset[str]


LEVELS = (
    Level("creative", "ad", "ad group", 4, frozenset({"ad"})),
    # a row of level adgroup is what an ad group's ads don't account for
    Level("ad_group", "ad group", "campaign", 3, frozenset({"ad", "adgroup"})),
)


@dataclass(frozen=True)
class Group:
    """A group's days, in order, the last one ``as_of``.

    Args:
        key: ids of the group, from the platform on.
        arms: ids of all that have a row in the window.
        cost, conversions: days × arms; cost in micros of ``currency_code``, the reporting one.
        published: by day, whether the account has any row of the level: other days are not known,
            not 0.
        rated: whether every cost could be converted.
    """

    level: Level
    key: tuple[str, ...]
    arms: tuple[str, ...]
    cost: Floats
    conversions: Floats
    published: np.ndarray
    currency_code: str
    rated: bool

    @property
    def name(self) -> str:
        """Its ids, for a person to find it by."""
        return "/".join(self.key)

    @property
    def running(self) -> np.ndarray:
        """Arms that cost anything of late."""
        recent: np.ndarray = self.cost[-RUNNING_DAYS:].sum(axis=0) > 0
        return recent

    @property
    def daily_budget(self) -> int:
        """Micros that the arms together cost on a published day of late."""
        days = self.published[-RUNNING_DAYS:]
        return round(float(self.cost[-RUNNING_DAYS:][days].sum() / max(days.sum(), 1)))


def read_groups(
    rows: Iterable[Mapping[str, Any]], level: Level, start: date, as_of: date
) -> list[Group]:
    """The groups of rows that are ordered by their ids."""
    days = (as_of - start).days + 1
    every = [row for row in rows if row["finest_level"] in level.finest]
    published: dict[tuple[str, str], np.ndarray] = {}
    for row in every:
        account = row["platform"], row["account_id"]
        published.setdefault(account, np.zeros(days, dtype=bool))[(row["date"] - start).days] = True
    groups = []
    for key, own in groupby(every, key=lambda row: tuple(row[i] for i in IDS[: level.depth])):
        of_group = list(own)
        names = [row[IDS[level.depth]] for row in of_group]
        arms = tuple(dict.fromkeys(names))
        place = {arm: i for i, arm in enumerate(arms)}
        cost, conversions = np.zeros((days, len(arms))), np.zeros((days, len(arms)))
        for row, name in zip(of_group, names, strict=True):
            cell = (row["date"] - start).days, place[name]
            cost[cell] += row["cost_reporting_micros"] or 0
            conversions[cell] += row["conversions"] or 0.0
        groups.append(
            Group(
                level=level,
                key=key,
                arms=arms,
                # what the ads don't account for is negative where the levels were pulled apart
                cost=np.maximum(cost, 0),
                conversions=np.maximum(conversions, 0),
                published=published[key[0], key[1]],
                currency_code=of_group[0]["reporting_currency_code"],
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
