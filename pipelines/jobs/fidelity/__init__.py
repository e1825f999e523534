"""Daily: whether the jobs' predictions were right, and the data they read behave as they did.

It reads what jobs have published and what came since; no job's code may enter here (docs/adr/0019).
"""

from pipelines.jobs.fidelity.job import FidelityJob

__all__ = ["FidelityJob"]
