"""Daily: were the jobs' predictions right, and do the data they read still behave as they did?

It reads what jobs have published and what came since; no job's code may enter here (docs/adr/0019).
"""

from pipelines.jobs.fidelity.job import FidelityJob

__all__ = ["FidelityJob"]
