"""The decide flow: the jobs, each on its own, from marts to contract tables and plots."""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_image_artifact, create_markdown_artifact

from flows.markdown import text
from flows.retries import HOUR, RETRIES
from pipelines.config import load_settings
from pipelines.jobs.plots import plot_run, plots_folder
from pipelines.jobs.registry import job_names
from pipelines.jobs.run import PLOT_PROBLEM, JobRun, run_job
from pipelines.warehouse import open_warehouse


class JobsFailed(RuntimeError):
    """Some jobs failed; the others have published."""


@task(name="job", task_run_name="{name}", **RETRIES)
def run_one(config: Path | None, name: str, as_of: date | None) -> JobRun:
    """Run one job on the marts as of a day (by default yesterday), and plot its result."""
    settings = load_settings(config)
    warehouse = open_warehouse(settings)
    run = run_job(warehouse, settings, name, as_of or settings.yesterday())
    drawing = plot_run(warehouse, run, plots_folder(settings))
    if drawing.problem:
        get_run_logger().warning("%s", drawing.problem)
    for path in drawing.paths:
        _show(path, drawing.run)
    return drawing.run


@flow(name="decide", timeout_seconds=4 * HOUR)
def decide(
    config: Path | None = None, jobs: list[str] | None = None, as_of: date | None = None
) -> list[JobRun]:
    """Run jobs. A refusal is a verdict, and doesn't fail the flow; a job that fails, fails alone.

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.
        jobs: only these, in the order of a day; by default all.
        as_of: last day of evidence; by default yesterday, where amounts are reported.

    Raises:
        JobsFailed: at the end, if any failed; names each, with the reason.
    """
    names = job_names(jobs)
    states = {name: run_one(config, name, as_of, return_state=True) for name in names}
    runs = [state.result() for state in states.values() if state.is_completed()]
    failed = {name: state.message for name, state in states.items() if not state.is_completed()}
    verdicts = [_line(run) for run in runs]
    verdicts += [f"- **{text(name)}**: failed: {text(str(why))}" for name, why in failed.items()]
    create_markdown_artifact(key="job-verdicts", markdown="\n".join(verdicts))
    if failed:
        raise JobsFailed("\n".join(f"{name}: {why}" for name, why in failed.items()))
    return runs


def _show(path: Path, run: JobRun) -> None:
    """The picture as an artifact of the task: itself, since a worker's files have no address."""
    name = path.stem.removesuffix(f"_{run.run_id}")
    picture = f"data:image/png;base64,{b64encode(path.read_bytes()).decode()}"
    key = name.replace("_", "-")
    create_image_artifact(picture, key=key, description=f"{run.job} run {run.run_id}")


def _line(run: JobRun) -> str:
    problem = run.diagnostics.get(PLOT_PROBLEM)
    warning = f" (warning: {text(str(problem))})" if problem else ""
    return f"- **{text(run.job)}**: {run.verdict}: {text(run.reason)}{warning}"
