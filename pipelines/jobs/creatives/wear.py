"""The wear of ads from rows of weeks, as verdicts on those that run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from pipelines.jobs.base import significant
from pipelines.jobs.creatives.fatigue import HORIZON, Campaign, Wear, wear_of
from pipelines.jobs.creatives.returns import Ad as AdKey
from pipelines.jobs.creatives.returns import Floats
from pipelines.money import Money

Row = Mapping[str, Any]

WEEKS = 26
SOON_DAYS = 14
_SURE = 0.9
_TOO_WIDE = 0.45
_LAUNCH_DAYS = 7
_MATURE_WEEKS = range(1, 5)
_QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class _Ad:
    """An ad's weeks, the last of them, and what is believed of it."""

    weeks: Sequence[Row]
    last: Row
    wear: Wear


def fatigue_rows(
    weeks: Sequence[Row], names: Mapping[AdKey, str | None], worn: float
) -> Iterator[Row]:
    """A row of contracts.creative_fatigue for every ad that ran in the last week.

    Args:
        weeks: rows of ad and week, ordered by the ids of the ad, from the platform on.
        names: of ads whose texts and images are known; None where they have no name.
    """
    recent = [row for row in weeks if row["week"] < WEEKS]
    for _, account in groupby(recent, key=lambda r: (r["platform"], r["account_id"])):
        by_campaign = [list(own) for _, own in groupby(account, key=lambda r: r["campaign_id"])]
        # with nobody to compare an ad with, nothing is said of it
        shared = [rows for rows in by_campaign if len({r["ad_id"] for r in rows}) > 1]
        wears = iter(wear_of([_campaign(rows) for rows in shared], worn) if shared else ())
        for rows in shared:
            of_ads = [list(own) for _, own in groupby(rows, key=lambda r: r["ad_id"])]
            ads = [_Ad(own, min(own, key=lambda r: r["week"]), next(wears)) for own in of_ads]
            running = [ad for ad in ads if ad.last["week"] == 0]
            for ad in running:
                key = ad.last["platform"], ad.last["account_id"], ad.last["ad_id"]
                name, is_known = names.get(key), key in names
                yield {**_row(ad, name, worn, is_known=is_known), **_gain(ad, running)}


def _campaign(rows: Iterable[Row]) -> Campaign:
    rows = list(rows)
    ads = tuple(dict.fromkeys(row["ad_id"] for row in rows))
    place = {ad: i for i, ad in enumerate(ads)}

    def table(column: str) -> Floats:
        cells = np.zeros((WEEKS, len(ads)))
        for row in rows:
            cells[WEEKS - 1 - row["week"], place[row["ad_id"]]] = row[column]
        return cells

    until = table("impressions_until")
    shown = table("impressions")
    seen = until.max(axis=0)
    today = table("last_age").max(axis=0) + 1
    # in the middle of the week, as the age is
    middle = np.maximum(until - shown / 2, 0)
    pace = shown[-1] / 7
    return Campaign(
        ads,
        table("cost_micros"),
        table("conversions"),
        table("age_days"),
        middle,
        today,
        seen,
        pace,
    )


def _gain(ad: _Ad, running: Sequence[_Ad]) -> Row:
    """What the ad's money would bring more at the others of its ad group, at their rates of now,
    over what money brings in the campaign on average."""
    mine = ad.last["adgroup_id"]
    others = [o for o in running if o is not ad and o.last["adgroup_id"] == mine]
    names = ("gain_low", "gain", "gain_high")
    if not others:
        return {"others": 0, **dict.fromkeys(names)}
    draws = (_rate(others) - ad.wear.rate) / _rate(running)
    gains = (significant(float(q)) for q in np.quantile(draws, _QUANTILES))
    return {"others": len(others), **dict(zip(names, gains, strict=True))}


def _rate(ads: Sequence[_Ad]) -> Floats:
    """Draws of what a unit of money brings at ads, at their rates of now."""
    cost = np.array([ad.last["cost_micros"] for ad in ads], dtype=np.float64)
    rates: Floats = np.stack([ad.wear.rate for ad in ads], axis=1) @ cost / cost.sum()
    return rates


def _row(ad: _Ad, name: str | None, worn: float, *, is_known: bool) -> Row:
    last, wear = ad.last, ad.wear
    low, middle, high = (significant(float(q)) for q in np.quantile(wear.freshness, _QUANTILES))
    least, left, most = (significant(float(q)) for q in np.quantile(wear.days_left, _QUANTILES))
    chance = significant(float((wear.days_left <= 0).mean()))
    soon = float((wear.days_left <= SOON_DAYS).mean())
    if not _launch_is_known(last):
        verdict = "UNKNOWN"
    elif chance >= _SURE:
        verdict = "FATIGUED"
    elif high - low > _TOO_WIDE:
        verdict = "UNKNOWN"
    else:
        verdict = "WEARING" if soon >= 1 / 2 else "FRESH"
    daily = Money(round(last["cost_micros"] / 7), last["currency_code"])
    called = f'"{name}"' if name else last["ad_id"]
    says = (
        f"{called} brings {middle:.0%} ({low:.0%} to {high:.0%}) of what it brought when new, for "
        f"its money and beside the other ads of its campaign; {_left(least, most, worn)}"
        if _launch_is_known(last)
        else f"What {called} brought when new isn't known: it was launched before what is looked at"
    )
    return {
        **{k: last[k] for k in ("platform", "account_id", "campaign_id", "adgroup_id", "ad_id")},
        "verdict": verdict,
        "age_days": last["last_age"] + 1,
        "impressions": last["impressions_until"],
        "freshness": middle,
        "freshness_low": low,
        "freshness_high": high,
        "days_left": left,
        "days_left_low": least,
        "days_left_high": most,
        "worn_chance": chance,
        "by_impressions": significant(wear.by_impressions),
        "weekly_conversions": significant(
            sum(row["conversions"] for row in ad.weeks if row["week"] in _MATURE_WEEKS)
            / len(_MATURE_WEEKS)
        ),
        "is_creative_known": is_known,
        "conversions": significant(float(sum(row["conversions"] for row in ad.weeks))),
        "daily_cost_micros": daily.micros,
        "currency_code": daily.currency,
        "reason": f"{says}. It costs {daily} a day.",
    }


def _launch_is_known(last: Row) -> bool:
    """Whether its first days are among those looked at, and not only the account's first ones."""
    return last["days_before_launch"] >= _LAUNCH_DAYS and last["last_age"] < 7 * WEEKS


def _left(least: float, most: float, worn: float) -> str:
    if most <= 0:
        return f"it is below {worn:.0%}, where it counts as worn out"
    far = f"{most:.0f}" if most < HORIZON else f"more than {HORIZON}"
    return f"it has {least:.0f} to {far} days until {worn:.0%}"
