"""Draws a job's run, once, into a folder beside the configuration."""

from __future__ import annotations

from pathlib import Path

from pipelines.config import Settings
from pipelines.jobs.run import JOBS, JobRun
from pipelines.warehouse import Warehouse


def plots_folder(settings: Settings) -> Path:
    """Where plots are kept: beside the configuration."""
    return settings.path.parent / ".adcanary" / "plots"


def plot_run(warehouse: Warehouse, run: JobRun, folder: Path) -> Path | None:
    """Draw a run's result as ``<folder>/<name>_<run id>.png``; None if it has nothing to show.

    A plot that is already there is not drawn again: a run's id stands for its content.
    """
    plot = JOBS[run.job].plot
    if plot is None or run.verdict == "NO_DATA":
        return None
    path = folder / f"{plot.name}_{run.run_id}.png"
    return path if path.exists() else plot.draw(warehouse, run.run_id, path)
