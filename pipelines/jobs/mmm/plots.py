"""Draws a run's response curves, with their bands and the current spend."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.jobs.figures import label, panels
from pipelines.warehouse import Warehouse

_COLUMNS = 3


def plot_curves(warehouse: Warehouse, run_id: str, path: Path) -> Path | None:
    """One PNG with a panel per channel: weekly orders over weekly spend, with the 80% band.

    Returns:
        ``path``, or None for a run without curves: nothing is drawn.
    """
    sql = (Path(__file__).parent / "curves.sql").read_text()
    rows = warehouse.query(sql, {"run_id": run_id}).to_pylist()
    if not rows:
        return None
    channels = {channel: list(group) for channel, group in groupby(rows, lambda r: r["channel"])}
    with panels(
        path,
        len(channels),
        columns=_COLUMNS,
        size=(4.6, 3.6),
        title="Response curves: weekly orders at constant weekly spend (80% band)",
        dpi=120,
    ) as axes:
        for axis, (channel, points) in zip(axes, channels.items(), strict=True):
            _panel(axis, label(channel), points)
    return path


def _panel(axis: Any, channel: str, points: list[dict[str, Any]]) -> None:
    spend = [p["weekly_spend_micros"] / 1e6 for p in points]
    low = [p["orders_p10"] for p in points]
    high = [p["orders_p90"] for p in points]
    axis.fill_between(spend, low, high, color="#4878a8", alpha=0.25, linewidth=0)
    axis.plot(spend, [p["orders_p50"] for p in points], color="#1f4e79")
    current = next(p for p in points if p["is_current"])
    at = current["weekly_spend_micros"] / 1e6
    axis.axvline(at, color="#b5541c", linestyle="--", linewidth=1)
    axis.plot([at], [current["orders_p50"]], "o", color="#b5541c")
    axis.set_title(f"{channel}: now {at:,.0f} {current['currency_code']} a week", fontsize=10)
    axis.set_xlabel(f"weekly spend, {current['currency_code']}")
    axis.set_ylabel("orders a week")
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
