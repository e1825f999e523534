"""The simulated Google Ads' delivery by day, at every level that it reports."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox.market import delivery
from pipelines.sandbox.market.market import AdGroup, Campaign, Market
from pipelines.sandbox.serving.faults import Faults

PERFORMANCE_MAX = "PERFORMANCE_MAX"
# Cumulative share of a Performance Max campaign's asset groups.
_ASSET_GROUPS = (("Everyday", 0.6), ("Occasions", 1.0))
_WITHDRAWN_DAYS = 3
_SUMMED = ("impressions", "clicks", "cost_micros", "conversions", "conversions_value")


class Days(NamedTuple):
    """An account's days from ``start`` to ``end``, as known on ``today``."""

    account_id: str
    start: date
    end: date
    today: date


class ConversionAction(NamedTuple):
    """What an advertiser counts; only those that are primary are in ``metrics.conversions``."""

    number: int
    name: str
    category: str


PURCHASE = ConversionAction(801, "Purchase", "PURCHASE")
PHONE_ORDER = ConversionAction(802, "Order by phone", "PHONE_CALL_LEAD")
SIGN_UP = ConversionAction(803, "Newsletter", "SIGNUP")
ACTIONS = {str(action.number): action for action in (PURCHASE, PHONE_ORDER, SIGN_UP)}


class Reports:
    """Tables by day: ``date``, the entity's id columns, and metrics by their name in GAQL.

    Ads, ad groups and asset groups sum to their campaign exactly, campaigns to their account.
    """

    def __init__(self, market: Market, faults: Faults) -> None:
        self._market = market
        self._faults = faults

    def campaigns(self, days: Days) -> pa.Table:
        """By campaign_id; Performance Max has videos."""
        rows = self._reported(self._market.campaign_days(*days), days)
        if self._faults.strikes("zero_rows", days.account_id):
            rows = _with_zero_rows(rows, self._market.account_campaigns(days.account_id), days)
        shown = rows["impressions"].to_numpy()
        has_video = pc.is_in(rows["campaign_id"], pa.array(self._video_campaigns())).to_numpy()
        to_the_end = np.where(has_video, shown // 9, 0) / np.maximum(shown, 1)
        return rows.append_column(
            "video_trueview_views", pa.array(np.where(has_video, shown // 5, 0))
        ).append_column("video_quartile_p100_rate", pa.array(to_the_end))

    def account(self, days: Days) -> pa.Table:
        """The account as a whole."""
        rows = _summed(self.campaigns(days), "date")
        if len(rows) and self._faults.strikes("spend_mismatch", days.account_id):
            last = pc.max(rows["date"])
            more = pc.equal(rows["date"], last).cast(pa.int64())
            at = rows.column_names.index("cost_micros")
            rows = rows.set_column(at, "cost_micros", pc.add(rows["cost_micros"], more))
        return rows

    def ads(self, days: Days) -> pa.Table:
        """By campaign_id, adgroup_id and ad_id; none of Performance Max."""
        return _without_video(self._reported(self._market.ad_days(*days), days))

    def adgroups(self, days: Days) -> pa.Table:
        """By campaign_id and adgroup_id; none of Performance Max."""
        ads = self._reported(self._market.ad_days(*days), days)
        return _without_video(_summed(ads, "date", "campaign_id", "adgroup_id"))

    def asset_groups(self, days: Days) -> pa.Table:
        """By campaign_id and adgroup_id (the asset group's); of Performance Max only."""
        rows = self._reported(self._market.campaign_days(*days), days)
        rows = rows.filter(pc.is_in(rows["campaign_id"], pa.array(self._video_campaigns())))
        shares = np.array([[share for _, share in _ASSET_GROUPS]])
        parts: dict[str, Any] = {}
        for name in _SUMMED:
            unit = delivery.QUARTERS if name.startswith("conversions") else 1
            totals = np.rint(rows[name].to_numpy() * unit).astype(np.int64)
            split = delivery.split(totals, shares)
            parts[name] = (split / unit if unit > 1 else split).ravel()
        campaigns = rows["campaign_id"].to_pylist()
        numbers = range(1, len(_ASSET_GROUPS) + 1)
        ids = [_asset_group_id(c, number) for c in campaigns for number in numbers]
        each = np.repeat(np.arange(len(rows)), len(_ASSET_GROUPS))
        table = pa.table(
            {
                "date": rows["date"].take(each),
                "campaign_id": rows["campaign_id"].take(each),
                "adgroup_id": pa.array(ids, pa.string()),
                **parts,
            }
        )
        return table.filter(pc.greater(table["impressions"], 0))

    def conversion_actions(self, days: Days) -> pa.Table:
        """By campaign_id and conversion action's number; no all-zero rows, and no cost."""
        rows = self._reported(self._market.campaign_days(*days), days)
        quarters = np.rint(rows["conversions"].to_numpy() * delivery.QUARTERS).astype(np.int64)
        value = np.rint(rows["conversions_value"].to_numpy() * delivery.QUARTERS).astype(np.int64)
        by_phone = quarters // 5
        phone_value = value * by_phone // np.maximum(quarters, 1)
        none = np.zeros_like(quarters)
        counted: list[tuple[ConversionAction, Any, Any, Any]] = [
            (PURCHASE, quarters - by_phone, value - phone_value, quarters - by_phone),
            (PHONE_ORDER, by_phone, phone_value, by_phone),
            (SIGN_UP, none, none, rows["clicks"].to_numpy() // 25 * delivery.QUARTERS),
        ]
        parts = [
            pa.table(
                {
                    "date": rows["date"],
                    "campaign_id": rows["campaign_id"],
                    "conversion_action": pa.repeat(str(action.number), len(rows)),
                    "conversions": primary / delivery.QUARTERS,
                    "conversions_value": worth / delivery.QUARTERS,
                    "all_conversions": all_of_them / delivery.QUARTERS,
                }
            )
            for action, primary, worth, all_of_them in counted
        ]
        table = pa.concat_tables(parts)
        return table.filter(pc.greater(table["all_conversions"], 0))

    def _reported(self, rows: pa.Table, days: Days) -> pa.Table:
        names = {"conversion_value": "conversions_value"}
        rows = rows.rename_columns([names.get(n, n) for n in rows.column_names])
        rows = rows.drop_columns("status")
        if self._faults.strikes("withdrawn_rows", days.account_id):
            first = self._market.account_campaigns(days.account_id)[0].campaign_id
            recent = pa.scalar(days.today - timedelta(days=_WITHDRAWN_DAYS), pa.date32())
            gone = pc.and_(
                pc.equal(rows["campaign_id"], first), pc.greater_equal(rows["date"], recent)
            )
            rows = rows.filter(pc.invert(gone))
        return rows

    def _video_campaigns(self) -> list[str]:
        mine = self._market.campaigns
        return [c.campaign_id for c in mine if c.advertising_type == PERFORMANCE_MAX]


def asset_groups(campaign: Campaign) -> tuple[AdGroup, ...]:
    """A Performance Max campaign's asset groups; none of another one."""
    if campaign.advertising_type != PERFORMANCE_MAX:
        return ()
    return tuple(
        AdGroup(_asset_group_id(campaign.campaign_id, i), name, "ENABLED", ())
        for i, (name, _) in enumerate(_ASSET_GROUPS, start=1)
    )


def _asset_group_id(campaign_id: str, number: int) -> str:
    return str(int(campaign_id) + 900 + number)


def _summed(rows: pa.Table, *key: str) -> pa.Table:
    sums = rows.group_by(list(key), use_threads=False).aggregate([(m, "sum") for m in _SUMMED])
    return sums.rename_columns([n.removesuffix("_sum") for n in sums.column_names])


def _without_video(rows: pa.Table) -> pa.Table:
    return rows.append_column(
        "video_trueview_views", pa.repeat(pa.scalar(0, pa.int64()), len(rows))
    ).append_column("video_quartile_p100_rate", pa.repeat(0.0, len(rows)))


def _with_zero_rows(rows: pa.Table, campaigns: tuple[Campaign, ...], days: Days) -> pa.Table:
    last = min(days.end, days.today - timedelta(days=1))
    calendar = [days.start + timedelta(days=i) for i in range((last - days.start).days + 1)]
    there = set(zip(rows["date"].to_pylist(), rows["campaign_id"].to_pylist(), strict=True))
    missing = [
        (day, c.campaign_id)
        for day in calendar
        for c in campaigns
        if (day, c.campaign_id) not in there
    ]
    zeroes = {
        field.name: np.zeros(len(missing), dtype=field.type.to_pandas_dtype())
        for field in rows.schema
        if field.name in _SUMMED
    }
    added = pa.table(
        {
            "date": pa.array([day for day, _ in missing], pa.date32()),
            "campaign_id": pa.array([c for _, c in missing], pa.string()),
            **zeroes,
        }
    )
    return pa.concat_tables([rows, added.select(rows.column_names)])
