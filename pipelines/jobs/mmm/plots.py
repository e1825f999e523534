"""Draws a run's response curves, with their bands and the current spend."""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.warehouse import Warehouse

_COLUMNS = 3


def plot_curves(warehouse: Warehouse, run_id: str, path: Path) -> Path | None:
    """One PNG with a panel per channel: weekly orders over weekly spend, with the 80% band.

    Returns:
        ``path``, or None for a run without curves: nothing is drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sql = (Path(__file__).parent / "curves.sql").read_text()
    rows = warehouse.query(sql, {"run_id": run_id}).to_pylist()
    if not rows:
        return None
    panels = {channel: list(group) for channel, group in groupby(rows, lambda r: r["channel"])}
    columns = min(_COLUMNS, len(panels))
    lines = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(4.6 * columns, 3.6 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis, (channel, points) in zip(axes, panels.items(), strict=False):
        _panel(axis, channel, points)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle("Response curves: weekly orders at constant weekly spend (80% band)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
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
