"""Uplift: what a variation of an experiment changes, for whom, and how sure that is.

Reads exposures and outcomes of pseudonymous people; no name, address or raw id may enter.
"""

from pipelines.jobs.uplift.experiments import ExperimentsJob
from pipelines.jobs.uplift.job import UpliftJob

__all__ = ["ExperimentsJob", "UpliftJob"]
