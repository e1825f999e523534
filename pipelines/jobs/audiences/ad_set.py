"""An ad set as it is set, with what it did lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.money import Money

_MIN_CONVERSIONS = 100


@dataclass(frozen=True)
class Audience:
    """An audience as the platform lists it; None where it tells nothing.

    Args:
        window: days that people stay in it.
        people: at most, by the platform's estimate.
    """

    name: str | None
    window: int | None
    people: int | None


@dataclass(frozen=True)
class Known:
    """What else is known of an account.

    Args:
        audiences: by id.
        lags: conversions by the days from the first paid visit to them, of the whole shop.
    """

    audiences: Mapping[str, Audience]
    lags: Mapping[int, float]

    def later_than(self, days: int) -> float | None:
        """Share of conversions that come later; None where too few were seen to say."""
        whole = sum(self.lags.values())
        if whole < _MIN_CONVERSIONS:
            return None
        return sum(count for lag, count in self.lags.items() if lag > days) / whole


@dataclass(frozen=True)
class AdSet:
    """An ad set that runs. ``spend`` is of 28 days; conversions are those the platform claims."""

    platform: str
    account_id: str
    campaign_id: str
    adgroup_id: str
    name: str | None
    countries: frozenset[str]
    audiences: frozenset[str]
    excluded: frozenset[str]
    learning_phase: str | None
    spend: Money
    conversions_28d: float

    @property
    def account(self) -> tuple[str, str]:
        return self.platform, self.account_id

    @property
    def label(self) -> str:
        """Its name with its id."""
        return f'"{self.name}" ({self.adgroup_id})' if self.name else self.adgroup_id


def ad_set_of(row: Mapping[str, Any]) -> AdSet:
    """From a row of ad_sets.sql."""
    return AdSet(
        row["platform"],
        row["account_id"],
        row["campaign_id"],
        row["adgroup_id"],
        row["adgroup_name"],
        _ids(row["countries"]),
        _ids(row["audience_ids"]),
        _ids(row["excluded_audience_ids"]),
        row["learning_phase"],
        Money(row["cost_micros_28d"], row["currency_code"]),
        row["conversions_28d"],
    )


def _ids(lines: str | None) -> frozenset[str]:
    return frozenset((lines or "").splitlines())
