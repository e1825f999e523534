"""Draws a job's run, once, into a folder beside the configuration."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from pipelines.config import Settings
from pipelines.errors import WarehouseError
from pipelines.jobs.run import JOBS, JobRun, with_plot_problem
from pipelines.plain_text import masked, one_line
from pipelines.warehouse import Warehouse

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drawing:
    """What became of a run's picture: its ``path``, or why there is none; neither where the run
    has nothing to show. ``run`` has the problem among its diagnostics."""

    run: JobRun
    path: Path | None = None
    problem: str | None = None


def plots_folder(settings: Settings) -> Path:
    """Where plots are kept: beside the configuration."""
    return settings.path.parent / ".adcanary" / "plots"


def plot_run(warehouse: Warehouse, run: JobRun, folder: Path) -> Drawing:
    """Draw a run's result as ``<folder>/<name>_<run id>.png``.

    A plot that is already there is not drawn again: a run's id stands for its content. A plot that
    fails is told, logged and noted in the run's diagnostics; the run is what it was.

    Raises:
        WarehouseError: the warehouse can't be reached.
    """
    plot = JOBS[run.job].plot
    if plot is None or run.verdict == "NO_DATA":
        return Drawing(run)
    path = folder / f"{plot.name}_{run.run_id}.png"
    problem = None
    try:
        drawn = path if path.exists() else plot.draw(warehouse, run.run_id, path)
    except WarehouseError:
        raise
    except Exception as error:  # noqa: BLE001 a picture is no result: nothing in it stops a job
        drawn = None
        reason = one_line(masked(str(error)))[:300]
        problem = f"{run.job} was not drawn: {type(error).__name__}: {reason}"
        _log.warning("%s", problem)
    return Drawing(with_plot_problem(warehouse, run, problem), drawn, problem)
