"""Writes the GA4 export of the simulated site as files, as BigQuery's JSON extract would."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import PROPERTY_ID
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.whole_files import write_whole

# GA4 rewrites a day's table for about this long, as late events come in.
REWRITTEN_DAYS = 3
_STATE = ".export.json"
_CENT_MICROS = 10_000

FAULTS = {
    "intraday_only": "yesterday has its intraday file only, with half of the events",
    "intraday_overlaps": "yesterday's intraday file, with half of the events, is still there",
    "unknown_column": "yesterday's events have a column that the export never had",
    "truncated_file": "yesterday's file is gzip, and was cut off in copying",
    "missing_day": "yesterday was not exported",
}
BREAKING = frozenset({"truncated_file", "missing_day"})


def export_faults() -> Faults:
    """The faults of an export, none of them on."""
    return Faults(FAULTS, BREAKING)


def write_export(
    market: Market, folder: Path, today: date, faults: Faults | None = None
) -> list[Path]:
    """Bring a folder of ``events_YYYYMMDD.json`` up to ``today - 1``.

    Days that were final when the folder was last written are left alone, the last three are
    written again as late events come in. A file appears whole or not at all. Faults strike the
    newest day; written again without them, the folder is whole.

    Returns:
        The files whose content is new.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final_before = _final_before(market, folder)
    written = []
    for day in market.days:
        if day >= today:
            break
        if day < final_before and (folder / f"events_{day:%Y%m%d}.json").exists():
            continue
        events = market.ga4_events(day, today)
        is_newest = day == today - timedelta(days=1)
        files = _files(day, events, faults if is_newest else None)
        for path in folder.glob(f"events_*{day:%Y%m%d}.json*"):
            if path.name not in files:
                path.unlink()
        for name, content in files.items():
            path = folder / name
            if write_whole(path, content):
                written.append(path)
    write_whole(folder / _STATE, orjson.dumps(_identity(market) | {"today": today.isoformat()}))
    return written


def _files(day: date, events: list[dict[str, Any]], faults: Faults | None) -> dict[str, bytes]:
    """A day's files by name."""
    daily, intraday = (f"{kind}_{day:%Y%m%d}.json" for kind in ("events", "events_intraday"))
    on = {n for n in FAULTS if faults is not None and faults.strikes(n, PROPERTY_ID)}
    if "missing_day" in on:
        return {}
    if "unknown_column" in on:
        events = [{**event, "session_engaged_rank": i % 7} for i, event in enumerate(events)]
    if "truncated_file" in on:
        # without a time stamp: the same bytes every time
        packed = gzip.compress(_lines(events), mtime=0)
        return {f"{daily}.gz": packed[: len(packed) // 2]}
    half = _lines(events[: len(events) // 2])
    if "intraday_only" in on:
        return {intraday: half}
    files = {daily: _lines(events)}
    return files | {intraday: half} if "intraday_overlaps" in on else files


def _lines(events: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(e) + b"\n" for e in events)


def _identity(market: Market) -> dict[str, object]:
    return {
        "seed": market.seed,
        "start": market.start.isoformat(),
        "end": market.end.isoformat(),
        "scale": market.scale,
    }


def _final_before(market: Market, folder: Path) -> date:
    """First day whose file may still differ from what is on disk."""
    state = folder / _STATE
    if not state.exists():
        return market.start
    known = orjson.loads(state.read_bytes())
    today = date.fromisoformat(known.pop("today"))
    if known != _identity(market):
        return market.start
    return today - timedelta(days=REWRITTEN_DAYS - 1)


def event_books(market: Market, start: date, end: date, today: date) -> pa.Table:
    """What a client must end with of the days up to ``today - 1``, exact.

    Columns event_date, events (consented, each once), dropped (not consented) and
    revenue_micros (of the purchases among the events).
    """
    columns: dict[str, list[Any]] = {}
    for day in market.days:
        if not start <= day <= end or day >= today:
            continue
        events = market.ga4_events(day, today)
        refused = [e for e in events if e["privacy_info"]["analytics_storage"] == "No"]
        once = {orjson.dumps(e): e for e in events if "user_pseudo_id" in e}.values()
        bought = (e["ecommerce"]["purchase_revenue"] for e in once if "ecommerce" in e)
        row = {
            "event_date": day,
            "events": len(once),
            "dropped": len(refused),
            "revenue_micros": sum(round(value * 100) for value in bought) * _CENT_MICROS,
        }
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return pa.table(columns)
