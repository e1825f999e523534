"""What the GA4 Data API would report of the simulated site, and what a client must end with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import CURRENCY, PROPERTY_ID, SHOP_TIME_ZONE

DIMENSIONS = (
    "date",
    "sessionDefaultChannelGroup",
    "sessionSource",
    "sessionMedium",
    "sessionCampaignId",
    "sessionCampaignName",
)
METRICS = (
    "sessions",
    "engagedSessions",
    "totalUsers",
    "newUsers",
    "screenPageViews",
    "eventCount",
    "keyEvents",
    "transactions",
    "purchaseRevenue",
)
OTHER = "(other)"
# the contract's names of the sources and of the metrics
_SOURCES = (
    "session_default_channel_group",
    "session_source",
    "session_medium",
    "session_campaign_id",
    "session_campaign_name",
)
_COLUMNS = (
    "sessions",
    "engaged_sessions",
    "total_users",
    "new_users",
    "screen_page_views",
    "event_count",
    "key_events",
    "transactions",
    "purchase_revenue_micros",
)
_CHANNELS = {
    ("google", "cpc"): "Paid Search",
    ("google", "organic"): "Organic Search",
    ("(direct)", "(none)"): "Direct",
}
_ENGAGED_MSEC = 10_000
_CENT_MICROS = 10_000
_Session = tuple[str, str]


class ReportRow(NamedTuple):
    """Dimension values (less the date) and metric values, revenue in cents, of one day."""

    day: date
    source: tuple[str, ...]
    values: tuple[int, ...]


class ReportBooks:
    """Daily rows by session source, from the market's consented events, each event once."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._days: dict[tuple[date, int], list[ReportRow]] = {}

    def rows(self, start: date, end: date, today: date) -> list[ReportRow]:
        """Rows of the days up to ``today - 1``, in order of day and source."""
        days = ((start + timedelta(days=i)) for i in range((end - start).days + 1))
        return [row for day in days if day < today for row in self._day(day, today)]

    def table(self, start: date, end: date, today: date) -> pa.Table:
        """What a client must end with for the days: raw.ga4_daily_report, exact and unflagged."""
        rows = self.rows(start, end, today)
        sources = {n: [r.source[i] for r in rows] for i, n in enumerate(_SOURCES)}
        counts = {n: [r.values[i] for r in rows] for i, n in enumerate(_COLUMNS)}
        revenue = [cents * _CENT_MICROS for cents in counts.pop("purchase_revenue_micros")]
        key_events = pa.array(counts["key_events"], pa.float64())
        nothing = pa.nulls(len(rows), pa.int64())
        return pa.table(
            {
                "property_id": pa.repeat(PROPERTY_ID, len(rows)),
                "date": pa.array([r.day for r in rows], pa.date32()),
                **{n: pa.array(v, pa.string()) for n, v in sources.items()},
                **{n: pa.array(v, pa.int64()) for n, v in counts.items()},
                "key_events": key_events,
                "purchase_revenue_micros": pa.array(revenue, pa.int64()),
                "currency_code": pa.repeat(CURRENCY, len(rows)),
                "time_zone": pa.repeat(SHOP_TIME_ZONE, len(rows)),
                "data_loss_from_other_row": pa.repeat(pa.scalar(False), len(rows)),
                "subject_to_thresholding": pa.repeat(pa.scalar(False), len(rows)),
                "samples_read_count": nothing,
                "sampling_space_size": nothing,
            }
        )

    def _day(self, day: date, today: date) -> list[ReportRow]:
        # a day's events are final after three days
        key = (day, min((today - day).days, 3))
        if key not in self._days:
            events = self._market.ga4_events(day, today)
            once = {orjson.dumps(e): e for e in events if "user_pseudo_id" in e}
            self._days[key] = _aggregated(day, once.values())
        return self._days[key]


def condensed(rows: list[ReportRow], kept: int) -> list[ReportRow]:
    """Each day's ``kept`` largest rows; the rest is one row of (other). Sums stay."""
    days: dict[date, list[ReportRow]] = defaultdict(list)
    for row in rows:
        days[row.day].append(row)
    condensed_rows = []
    for day, all_rows in days.items():
        ranked = sorted(all_rows, key=lambda r: (-r.values[0], r.source))
        condensed_rows += ranked[:kept]
        if rest := ranked[kept:]:
            sums = tuple(map(sum, zip(*(r.values for r in rest), strict=True)))
            condensed_rows.append(ReportRow(day, (OTHER,) * (len(DIMENSIONS) - 1), sums))
    return sorted(condensed_rows)


def _aggregated(day: date, events: Iterable[dict[str, Any]]) -> list[ReportRow]:
    sessions: dict[_Session, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        sessions[event["user_pseudo_id"], _param(event, "ga_session_id")].append(event)
    by_source: dict[tuple[str, ...], list[tuple[str, list[dict[str, Any]]]]] = defaultdict(list)
    for (user, _), visit in sessions.items():
        by_source[_source(visit[0])].append((user, visit))
    return sorted(ReportRow(day, s, _metrics(visit)) for s, visit in by_source.items())


def _metrics(sessions: list[tuple[str, list[dict[str, Any]]]]) -> tuple[int, ...]:
    events = [event for _, visit in sessions for event in visit]
    bought = [e["ecommerce"] for e in events if e["event_name"] == "purchase"]
    new = {user for user, visit in sessions if _param(visit[0], "ga_session_number") == "1"}
    return (
        len(sessions),
        sum(_is_engaged(visit) for _, visit in sessions),
        len({user for user, _ in sessions}),
        len(new),
        sum(e["event_name"] == "page_view" for e in events),
        len(events),
        len(bought),
        sum("transaction_id" in purchase for purchase in bought),
        sum(round(purchase["purchase_revenue"] * 100) for purchase in bought),
    )


def _is_engaged(events: list[dict[str, Any]]) -> bool:
    names = [e["event_name"] for e in events]
    longest = max(int(_param(e, "engagement_time_msec") or 0) for e in events)
    return "purchase" in names or names.count("page_view") > 1 or longest >= _ENGAGED_MSEC


def _source(event: dict[str, Any]) -> tuple[str, ...]:
    """Channel group, source, medium, campaign id and name of an event's session."""
    last_click = event.get("session_traffic_source_last_click")
    if last_click:
        manual = last_click["manual_campaign"]
        source, medium = manual["source"], manual["medium"]
        campaign = (manual["campaign_id"], manual["campaign_name"])
    else:
        collected = event.get("collected_traffic_source") or {}
        source = collected.get("manual_source", "(direct)")
        medium = collected.get("manual_medium", "(none)")
        campaign = ("(not set)", "(organic)" if medium == "organic" else "(not set)")
    return (_CHANNELS.get((source, medium), "Paid Social"), source, medium, *campaign)


def _param(event: dict[str, Any], key: str) -> str:
    values = (p["value"]["int_value"] for p in event["event_params"] if p["key"] == key)
    return str(next(values, ""))
