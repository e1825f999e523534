"""Which plot belongs to which job."""

from __future__ import annotations

from pathlib import Path

from pipelines.config import Settings
from pipelines.jobs.mmm.plots import plot_curves
from pipelines.jobs.pacing.plots import plot_pacing
from pipelines.jobs.run import JobRun
from pipelines.warehouse import Warehouse

_PLOTS = {"mmm": ("response_curves", plot_curves), "pacing": ("pacing", plot_pacing)}


def plots_folder(settings: Settings) -> Path:
    """Where plots are kept: beside the configuration."""
    return settings.path.parent / ".adcanary" / "plots"


def plot_run(warehouse: Warehouse, run: JobRun, folder: Path) -> Path | None:
    """Draw a run's result as ``<folder>/<name>_<run id>.png``; None where it has nothing to show.

    A plot that is already there is not drawn again: a run's id stands for its content.
    """
    if run.job not in _PLOTS or run.verdict == "NO_DATA":
        return None
    name, draw = _PLOTS[run.job]
    path = folder / f"{name}_{run.run_id}.png"
    return path if path.exists() else draw(warehouse, run.run_id, path)
