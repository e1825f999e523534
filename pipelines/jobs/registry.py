"""The table of jobs. A job is imported when it is asked for: some bring what takes seconds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.jobs.base import Job

# in the order in which a day runs them
_CLASSES = {
    "mmm": "mmm.job:MmmJob",
    "pacing": "pacing.job:PacingJob",
    "identity_links": "links.job:LinksJob",
    "attribution": "attribution.job:AttributionJob",
    "clustering": "clustering.job:ClusteringJob",
    "uplift": "uplift.job:UpliftJob",
    "ab_experiments": "uplift.experiments:ExperimentsJob",
    "bandits": "bandits.job:BanditsJob",
    "rules": "rules.job:RulesJob",
    "audiences": "audiences.job:AudiencesJob",
    "creatives": "creatives.job:CreativesJob",
    # what it reads, the runs of mmm and attribution have published before it
    "attribution_reconciled": "reconciliation.job:ReconciliationJob",
    "fidelity": "fidelity.job:FidelityJob",
}


class _Jobs(Mapping[str, "Job[Any]"]):
    """Names without an import; a job where it is asked for."""

    def __getitem__(self, name: str) -> Job[Any]:
        return _job(_CLASSES[name])

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


JOBS: Mapping[str, Job[Any]] = _Jobs()


def job_names(names: Collection[str] | None = None) -> list[str]:
    """Jobs in the order in which a day runs them: these, or all.

    Raises:
        UsageError: there is no such job.
    """
    if unknown := sorted(set(names or ()) - set(_CLASSES)):
        raise no_such_job(unknown[0])
    return [name for name in _CLASSES if names is None or name in names]


def no_such_job(name: str) -> UsageError:
    """The error that names the jobs there are."""
    return UsageError(
        f"There is no job '{name}'.",
        kept="nothing was computed.",
        fix=f"The jobs are {', '.join(sorted(_CLASSES))}.",
    )


@cache
def _job(class_: str) -> Job[Any]:
    module, _, name = class_.partition(":")
    job: Job[Any] = getattr(import_module(f"pipelines.jobs.{module}"), name)()
    return job
