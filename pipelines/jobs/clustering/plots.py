"""Draws a run's interests, a panel each: how many people share it, week by week."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import Path

from pipelines.jobs.figures import label, panels
from pipelines.warehouse import Warehouse

_COLUMNS = 4


def plot_interests(warehouse: Warehouse, run_id: str, path: Path) -> Path | None:
    """One PNG: by interest of the last twelve weeks, the largest first, its people by week.

    Returns:
        ``path``, or None for a run without clusters: nothing is drawn.
    """
    sql = (Path(__file__).parent / "sizes.sql").read_text()
    rows = warehouse.query(sql, {"run_id": run_id}).to_pylist()
    if not rows:
        return None
    interests = [list(weeks) for _, weeks in groupby(rows, itemgetter("cluster_id"))]
    interests.sort(key=lambda weeks: (weeks[-1]["week_start"], weeks[-1]["people"]), reverse=True)
    most = max(row["people"] for row in rows)
    with panels(
        path,
        len(interests),
        columns=_COLUMNS,
        size=(3.6, 2.4),
        title="People by interest and week; dark: members, whose confidence suffices",
        dpi=110,
    ) as axes:
        for axis, weeks in zip(axes, interests, strict=True):
            days = [row["week_start"].strftime("%d %b") for row in weeks]
            axis.bar(days, [row["people"] for row in weeks], color="#a9c1d9")
            axis.bar(days, [row["members"] for row in weeks], color="#1f4e79")
            axis.set_title(label(weeks[-1]["label"]), fontsize=7)
            axis.set_ylim(0, 1.05 * most)
            axis.tick_params(labelsize=6)
            axis.tick_params(axis="x", labelrotation=45)
    return path
