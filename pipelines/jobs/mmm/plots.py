"""Draws a run: its curves, what channels brought, its predictions, and its allocation."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from pipelines.jobs.base import Plot
from pipelines.jobs.figures import label, panels
from pipelines.warehouse import Warehouse

_COLUMNS = 3
_BLUE, _LIGHT, _RED, _GREY = "#1f4e79", "#4878a8", "#b5541c", "#555555"
_FILLS = ("#4878a8", "#b5541c", "#2e7d4f", "#c98a00", "#7a5195", "#8c8c8c", "#bc5090", "#3aa6a0")


def plot_curves(warehouse: Warehouse, run_id: str, path: Path) -> Path | None:
    """One PNG with a panel per channel: weekly orders over weekly spend, with the 80% band.

    Returns:
        ``path``, or None for a run without curves: nothing is drawn.
    """
    rows = _rows(warehouse, "curves", run_id)
    if not rows:
        return None
    channels = {channel: list(group) for channel, group in groupby(rows, itemgetter("channel"))}
    with panels(
        path,
        len(channels),
        columns=_COLUMNS,
        size=(4.6, 3.6),
        title="Response curves: weekly orders at constant weekly spend (80% band)",
        dpi=120,
    ) as axes:
        for axis, (channel, points) in zip(axes, channels.items(), strict=True):
            _curve(axis, label(channel), points)
    return path


def plot_contributions(warehouse: Warehouse, run_id: str, path: Path) -> Path | None:
    """One PNG: weekly orders, stacked by what brought them, the rest below.

    Returns:
        ``path``, or None for a run without contributions.
    """
    rows = _rows(warehouse, "contributions", run_id)
    if not rows:
        return None
    channels: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        channels.setdefault(row["channel"], []).append(row)
    first = next(iter(channels.values()))
    weeks = [row["week_start"] for row in first]
    brought = [[row["orders_mean"] for row in own] for own in channels.values()]
    # means of draws, so the rest of a quiet week may fall below 0
    rest = [
        max((row["orders"] or 0) - sum(week), 0.0)
        for row, week in zip(first, zip(*brought, strict=True), strict=True)
    ]
    title = "Orders a week, by what brought them (means)"
    with panels(path, 1, columns=1, size=(10, 4.2), title=title, dpi=120) as (axis,):
        fills = [_FILLS[i % len(_FILLS)] for i in range(len(brought))]
        names = ["without media", *(label(name) for name in channels)]
        axis.stackplot(weeks, rest, *brought, labels=names, colors=["#d9d9d9", *fills])
        axis.plot(weeks, [row["orders"] for row in first], color="black", linewidth=0.9)
        _legend(axis)
        axis.set_ylabel("orders a week")
        axis.set_ylim(bottom=0)
        axis.tick_params(axis="x", rotation=30)
    return path


def plot_predictions(warehouse: Warehouse, run_id: str, path: Path) -> Path | None:
    """One PNG: orders beside what each origin predicted of them, and the weeks to come.

    Returns:
        ``path``, or None for a run without predictions.
    """
    rows = _rows(warehouse, "predictions", run_id)
    if not rows:
        return None
    by_origin = {origin: list(group) for origin, group in groupby(rows, itemgetter("origin_week"))}
    last = max(by_origin)
    title = "Orders (black), predicted from each origin and for the weeks to come (80% bands)"
    with panels(path, 1, columns=1, size=(10, 4.2), title=title, dpi=120) as (axis,):
        for origin, own in by_origin.items():
            coming = [r for r in own if r["week_start"] > origin]
            shown = own if origin == last else coming
            colour = _LIGHT if origin == last else _RED
            weeks = [r["week_start"] for r in shown]
            low, middle, high = ([r[f"orders_p{p}"] for r in shown] for p in (10, 50, 90))
            axis.fill_between(weeks, low, high, color=colour, alpha=0.18, linewidth=0)
            axis.plot(weeks, middle, color=colour, linewidth=1, marker=".", markersize=3)
            axis.axvline(origin, color=_GREY, linestyle=":", linewidth=0.6)
        fitted = [r for r in by_origin[last] if r["orders"] is not None]
        actual = [r["week_start"] for r in fitted], [r["orders"] for r in fitted]
        axis.plot(*actual, color="black", linewidth=1.2)
        axis.set_ylabel("orders a week")
        axis.set_ylim(bottom=0)
        axis.tick_params(axis="x", rotation=30)
    return path


def plot_allocation(warehouse: Warehouse, run_id: str, path: Path) -> Path | None:
    """One PNG with a panel per channel: its weekly spend now and in the best allocation, and the
    bounds between which it may move.

    Returns:
        ``path``, or None for a run without an allocation.
    """
    rows = _rows(warehouse, "allocation", run_id)
    if not rows:
        return None
    title = "Weekly spend, before and after (line: the bounds)"
    with panels(path, len(rows), columns=_COLUMNS, size=(4.0, 3.0), title=title, dpi=120) as axes:
        for axis, row in zip(axes, rows, strict=True):
            now, then, lower, upper = (
                row[f"{name}_micros"] / 1e6
                for name in ("current_weekly", "proposed_weekly", "lower", "upper")
            )
            axis.bar(["now", "proposed"], [now, then], color=["#d9d9d9", _LIGHT], width=0.6)
            axis.vlines("proposed", lower, upper, color=_RED, linewidth=2)
            low, middle, high = (row[f"delta_orders_p{p}"] for p in (10, 50, 90))
            axis.set_title(
                f"{label(row['channel'])}: {then / now - 1:+.1%}\n"
                f"{middle:+.1f} orders a week ({low:+.1f} to {high:+.1f})",
                fontsize=9,
            )
            axis.set_ylabel(row["currency_code"])
    return path


PLOTS = (
    Plot("response_curves", plot_curves),
    Plot("contributions", plot_contributions),
    Plot("predictions", plot_predictions),
    Plot("allocation", plot_allocation),
)


def _rows(warehouse: Warehouse, name: str, run_id: str) -> list[dict[str, Any]]:
    sql = (Path(__file__).parent / f"{name}.sql").read_text()
    rows: list[dict[str, Any]] = warehouse.query(sql, {"run_id": run_id}).to_pylist()
    return rows


def _legend(axis: Any) -> None:
    """To the right of the panel, where it hides no week."""
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)


def _curve(axis: Any, channel: str, points: list[dict[str, Any]]) -> None:
    spend = [p["weekly_spend_micros"] / 1e6 for p in points]
    low = [p["orders_p10"] for p in points]
    high = [p["orders_p90"] for p in points]
    axis.fill_between(spend, low, high, color=_LIGHT, alpha=0.25, linewidth=0)
    axis.plot(spend, [p["orders_p50"] for p in points], color=_BLUE)
    current = next(p for p in points if p["is_current"])
    at = current["weekly_spend_micros"] / 1e6
    axis.axvline(at, color=_RED, linestyle="--", linewidth=1)
    axis.plot([at], [current["orders_p50"]], "o", color=_RED)
    axis.set_title(f"{channel}: now {at:,.0f} {current['currency_code']} a week", fontsize=10)
    axis.set_xlabel(f"weekly spend, {current['currency_code']}")
    axis.set_ylabel("orders a week")
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=min(0.0, *low))
