"""Draws a job's run, once, into a folder beside the configuration."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from pipelines.config import Settings
from pipelines.errors import WarehouseError
from pipelines.jobs.base import Plot
from pipelines.jobs.registry import JOBS
from pipelines.jobs.run import JobRun, with_plot_problem
from pipelines.plain_text import masked, one_line
from pipelines.warehouse import Warehouse

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drawing:
    """What became of a run's pictures: the ``paths`` of those that were drawn, and why others
    were not; neither where the run has nothing to show. ``run`` has the problem among its
    diagnostics."""

    run: JobRun
    paths: tuple[Path, ...] = ()
    problem: str | None = None


def plots_folder(settings: Settings) -> Path:
    """Where plots are kept: beside the configuration."""
    return settings.path.parent / ".adcanary" / "plots"


def plot_run(warehouse: Warehouse, run: JobRun, folder: Path) -> Drawing:
    """Draw each of a run's pictures as ``<folder>/<name>_<run id>.png``.

    A plot that is already there is not drawn again: a run's id stands for its content. A plot that
    fails is told, logged and noted in the run's diagnostics; the others are drawn, and the run is
    what it was.

    Raises:
        WarehouseError: the warehouse can't be reached.
    """
    plots = JOBS[run.job].plots
    if not plots or run.verdict == "NO_DATA":
        return Drawing(run)
    paths, problems = [], []
    for plot in plots:
        path = folder / f"{plot.name}_{run.run_id}.png"
        try:
            drawn = path if path.exists() else plot.draw(warehouse, run.run_id, path)
        except WarehouseError:
            raise
        except Exception as error:  # noqa: BLE001 a picture is no result: nothing in it stops a job
            problems.append(_problem(run, plot, error))
            _log.warning("%s", problems[-1])
        else:
            paths += [drawn] if drawn else []
    problem = " ".join(problems) or None
    return Drawing(with_plot_problem(warehouse, run, problem), tuple(paths), problem)


def _problem(run: JobRun, plot: Plot, error: Exception) -> str:
    of = "" if plot.name == run.job else f"'s {plot.name}"
    reason = one_line(masked(str(error)))[:300]
    return f"{run.job}{of} was not drawn: {type(error).__name__}: {reason}"
