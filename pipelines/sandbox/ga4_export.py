"""Writes the GA4 export of the simulated site as files, as BigQuery's JSON extract would."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import orjson

from pipelines.sandbox.market import Market

# GA4 rewrites a day's table for about this long, as late events come in.
REWRITTEN_DAYS = 3
_STATE = ".export.json"


def write_export(market: Market, folder: Path, today: date) -> list[Path]:
    """Bring a folder of ``events_YYYYMMDD.json`` up to ``today - 1``.

    Days that were final when the folder was last written are left alone, the last three are
    written again as late events come in. A file appears whole or not at all.

    Returns:
        The files whose content is new.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final_before = _final_before(market, folder)
    written = []
    for day in market.days:
        if day >= today:
            break
        path = folder / f"events_{day:%Y%m%d}.json"
        if day < final_before and path.exists():
            continue
        content = b"".join(orjson.dumps(e) + b"\n" for e in market.ga4_events(day, today))
        if not path.exists() or path.read_bytes() != content:
            _replace(path, content)
            written.append(path)
    _replace(folder / _STATE, orjson.dumps(_identity(market) | {"today": today.isoformat()}))
    return written


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


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)
