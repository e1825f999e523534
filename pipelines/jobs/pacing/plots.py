"""Draws a run's month to date against its target, a panel per campaign."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.jobs.figures import label, panels
from pipelines.warehouse import Warehouse

_COLUMNS = 4
_COLOURS = {
    "HEALTHY": "#2e7d4f",
    "WARNING": "#c98a00",
    "CRITICAL": "#b3261e",
    "NO_DATA": "#777777",
    "NO_BUDGET": "#777777",
}


def plot_pacing(warehouse: Warehouse, run_id: str, path: Path) -> Path | None:
    """One PNG: by campaign, month-to-date spend and its target, the month's target and forecast.

    Returns:
        ``path``, or None for a run without campaigns: nothing is drawn.
    """
    sql = (Path(__file__).parent / "daily.sql").read_text()
    rows = warehouse.query(sql, {"run_id": run_id}).to_pylist()
    if not rows:
        return None
    campaigns = [list(days) for _, days in groupby(rows, _campaign)]
    with panels(
        path,
        len(campaigns),
        columns=_COLUMNS,
        size=(3.6, 2.7),
        title="Month to date (line) against its target (dashed); ◆ month-end forecast",
        dpi=110,
    ) as axes:
        for axis, days in zip(axes, campaigns, strict=True):
            _panel(axis, days)
    return path


def _campaign(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["platform"], row["account_id"], row["campaign_id"]


def _panel(axis: Any, days: list[dict[str, Any]]) -> None:
    last = days[-1]
    numbers = [d["date"].day for d in days]
    axis.plot(
        numbers,
        [(d["mtd_cost_micros"] or 0) / 1e6 for d in days],
        color=_COLOURS[last["classification"]],
        linewidth=2,
    )
    if last["mtd_target_micros"] is not None:
        axis.plot(numbers, [d["mtd_target_micros"] / 1e6 for d in days], "--", color="#444444")
        axis.axhline(last["month_target_micros"] / 1e6, color="#bbbbbb", linewidth=1)
    if last["month_forecast_micros"] is not None:
        axis.plot([31], [last["month_forecast_micros"] / 1e6], "D", color="#1f4e79", markersize=4)
    name = label(last["campaign_name"] or last["campaign_id"])
    axis.set_title(f"{last['platform']}: {name}\n{last['classification']}", fontsize=7)
    axis.set_xlim(1, 32)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=7)
    axis.set_ylabel(last["currency_code"], fontsize=7)
