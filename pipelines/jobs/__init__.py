"""Decision jobs: read marts, compute, and write contract tables with a verdict and its evidence.

A result is a function of its input rows: no source, landing or proposal may enter here.
"""

from pipelines.jobs.base import Outcome, Progress, Verdict
from pipelines.jobs.run import JOBS, JobRun, run_job

__all__ = ["JOBS", "JobRun", "Outcome", "Progress", "Verdict", "run_job"]
