"""Decision jobs: read marts, compute, write contract tables with their verdict and evidence.

No platform, file or proposal may be touched here; a job's result is a function of its input rows.
"""

from pipelines.jobs.base import Outcome, Progress, Verdict
from pipelines.jobs.run import JOBS, JobRun, run_job

__all__ = ["JOBS", "JobRun", "Outcome", "Progress", "Verdict", "run_job"]
